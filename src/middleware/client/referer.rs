//! The Referer that WeChat sets: `https://servicewechat.com/{appid}/{version}/page-frame.html`.
//!
//! Source: [wx.request](https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html).
//!
//! Knows its shape. Never knows which AppIDs there are.

/// The AppID in a Referer of WeChat's; `None` for any other.
pub(super) fn app_id(referer: &str) -> Option<&str> {
    let path = referer.strip_prefix("https://servicewechat.com/")?;
    let mut segments = path.split('/');
    let (app_id, version, page) = (segments.next()?, segments.next()?, segments.next()?);
    let sound = !app_id.is_empty()
        && !version.is_empty()
        && page == "page-frame.html"
        && segments.next().is_none();
    sound.then_some(app_id)
}

#[cfg(test)]
mod tests {
    use super::app_id;

    #[test]
    fn the_app_id_is_found_in_wechats_referer_only() {
        for version in ["0", "devtools", "181"] {
            let referer =
                format!("https://servicewechat.com/wx0123456789abcdef/{version}/page-frame.html");
            assert_eq!(app_id(&referer), Some("wx0123456789abcdef"));
        }
        for referer in [
            "",
            "https://servicewechat.com/",
            "https://servicewechat.com/wx0123456789abcdef/",
            "https://servicewechat.com//0/page-frame.html",
            "https://servicewechat.com/wx0123456789abcdef/0/page-frame.html/x",
            "https://servicewechat.com/wx0123456789abcdef/0/index.html",
            "http://servicewechat.com/wx0123456789abcdef/0/page-frame.html",
            "https://servicewechat.com.example.org/wx0123456789abcdef/0/page-frame.html",
            "https://example.org/https://servicewechat.com/wx0123456789abcdef/0/page-frame.html",
        ] {
            assert_eq!(app_id(referer), None, "{referer}");
        }
    }
}
