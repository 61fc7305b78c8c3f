//! The Referer header that WeChat adds to every request of a mini program.
//!
//! A client can forge it, so no security decision depends on it.

use crate::identity::AppId;
use crate::platforms::platform::{AppVersion, Referer};

/// Maximum length of an AppID. Our choice: real ones have 18 characters.
const MAX_APP_ID_BYTES: usize = 32;

/// Parses `https://servicewechat.com/{appid}/{version}/page-frame.html`; `None` for any other text.
///
/// Keeps only an AppID of letters and digits, so that it is safe to log.
///
/// Source: [wx.request](https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html), read 2026-11-23.
pub fn parse_referer(referer: &str) -> Option<Referer> {
    let path = referer.strip_prefix("https://servicewechat.com/")?;
    let (app_id, path) = path.split_once('/')?;
    let version = path.strip_suffix("/page-frame.html")?;
    let is_id = (1..=MAX_APP_ID_BYTES).contains(&app_id.len())
        && app_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    let version = match version {
        "0" => AppVersion::Preview,
        "devtools" => AppVersion::DevTools,
        _ if is_number => AppVersion::Release,
        _ => return None,
    };
    is_id.then(|| Referer {
        app_id: AppId::new(app_id),
        version,
    })
}
