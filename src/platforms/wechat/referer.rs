//! The Referer that WeChat puts on every request of a mini program.
//!
//! Knows its one form. Its sender could forge it, so it decides nothing that matters for safety.
//! Never knows which mini programs are ours.

use crate::identity::AppId;

/// Where a request says that it comes from.
///
/// Source: [wx.request](https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html), read 2026-11-23.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referer {
    /// The mini program.
    pub app_id: AppId,
    /// Which of its versions.
    pub channel: Channel,
}

/// Which version of a mini program sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A development, trial or review version.
    Preview,
    /// The developer tools.
    DevTools,
    /// A released version.
    Release,
}

/// The longest AppID that is believed. Our choice: real ones have 18 characters.
const MAX_APP_ID_BYTES: usize = 32;

impl Referer {
    /// Reads `https://servicewechat.com/{appid}/{version}/page-frame.html`; `None` if it is anything else.
    ///
    /// An AppID of letters and digits is the only text that is taken from it, so that it may be logged.
    pub fn parse(referer: &str) -> Option<Self> {
        let path = referer.strip_prefix("https://servicewechat.com/")?;
        let (app_id, path) = path.split_once('/')?;
        let version = path.strip_suffix("/page-frame.html")?;
        let is_id = (1..=MAX_APP_ID_BYTES).contains(&app_id.len())
            && app_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        let channel = match version {
            "0" => Channel::Preview,
            "devtools" => Channel::DevTools,
            _ if is_number => Channel::Release,
            _ => return None,
        };
        is_id.then(|| Self {
            app_id: AppId::new(app_id),
            channel,
        })
    }
}
