//! Calls that lead users to a page of the mini program: pictures of codes, and links.

use serde_json::{Map, Value};

use crate::endpoints::Content;
use crate::endpoints::call::{Call, text};
use crate::errors::{
    ApiError, INVALID_ARGUMENTS, INVALID_PAGE, INVALID_PAGE_PATH, INVALID_PATH_LENGTH,
    INVALID_SCENE,
};
use crate::json::Object;
use crate::qr_code;

/// The page of a mini program that is opened by default.
const DEFAULT_PAGE: &str = "pages/index/index";

/// `POST /wxa/getwxacodeunlimit`: returns a picture whose code has the text `page?scene=…`.
///
/// Source: [getUnlimitedQRCode](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/qr-code/getUnlimitedQRCode.html).
pub(super) fn unlimited_qr_code(call: &mut Call<'_>) -> Result<Content, ApiError> {
    call.app_by_token()?;
    let body = call.body()?;
    check_environment(&body)?;
    let scene = text(&body, "scene").ok_or(INVALID_SCENE)?;
    let is_valid =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~".contains(&byte);
    if scene.len() > 32 || !scene.bytes().all(is_valid) {
        return Err(INVALID_SCENE);
    }
    let page = text(&body, "page").unwrap_or(DEFAULT_PAGE);
    if page.starts_with('/') || page.contains('?') {
        return Err(INVALID_PAGE);
    }
    let scene: String = form_urlencoded::byte_serialize(scene.as_bytes()).collect();
    picture(&format!("{page}?scene={scene}"))
}

/// `POST /wxa/getwxacode`: returns a picture whose code has the text of `path`.
///
/// Source: [getQRCode](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/qr-code/getQRCode.html).
pub(super) fn qr_code(call: &mut Call<'_>) -> Result<Content, ApiError> {
    picture_of_path(call, 1_024)
}

/// `POST /cgi-bin/wxaapp/createwxaqrcode`: the same, for shorter paths.
///
/// Source: [createQRCode](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/qr-code/createQRCode.html).
pub(super) fn short_qr_code(call: &mut Call<'_>) -> Result<Content, ApiError> {
    picture_of_path(call, 128)
}

/// `POST /wxa/generate_urllink`: returns a link of 30 days or less.
///
/// Source: [generateUrlLink](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/url-link/generateUrlLink.html).
pub(super) fn url_link(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let name = link_name(call, "path")?;
    Ok(Object::ok().with("url_link", format!("https://wxaurl.cn/{name}")))
}

/// `POST /wxa/generatescheme`: returns a link that opens WeChat.
///
/// Source: [generateScheme](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/url-scheme/generateScheme.html).
pub(super) fn url_scheme(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let name = link_name(call, "path")?;
    Ok(Object::ok().with("openlink", format!("weixin://dl/business/?t={name}")))
}

/// `POST /wxa/genwxashortlink`: returns a link for use inside WeChat.
///
/// Source: [generateShortLink](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/short-link/generateShortLink.html).
pub(super) fn short_link(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let name = link_name(call, "page_url")?;
    Ok(Object::ok().with("link", format!("#小程序://simulator/{name}")))
}

fn picture_of_path(call: &mut Call<'_>, max_bytes: usize) -> Result<Content, ApiError> {
    call.app_by_token()?;
    let body = call.body()?;
    check_environment(&body)?;
    let path = text(&body, "path").filter(|path| path.len() <= max_bytes);
    picture(path.ok_or(INVALID_PATH_LENGTH)?)
}

fn picture(text: &str) -> Result<Content, ApiError> {
    qr_code::jpeg(text)
        .map(Content::Jpeg)
        .ok_or(INVALID_PATH_LENGTH)
}

fn check_environment(body: &Map<String, Value>) -> Result<(), ApiError> {
    match text(body, "env_version") {
        None | Some("release" | "trial" | "develop") => Ok(()),
        Some(_) => Err(INVALID_ARGUMENTS),
    }
}

/// Checks the page in the body, and returns the name of a link to it.
fn link_name(call: &mut Call<'_>, field: &str) -> Result<String, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    check_environment(&body)?;
    // The scheme has its page in an object.
    let target = body.get("jump_wxa").and_then(Value::as_object);
    let page = text(target.unwrap_or(&body), field).unwrap_or(DEFAULT_PAGE);
    if page.contains("://") || page.contains(char::is_whitespace) {
        return Err(INVALID_PAGE_PATH);
    }
    Ok(call.state.identifiers.link_name(&app.id, page, call.now))
}
