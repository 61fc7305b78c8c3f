//! `sns/oauth2`: logins in a browser and in official accounts, with a page on which one chooses the user.

use crate::endpoints::Content;
use crate::endpoints::call::Call;
use crate::errors::{
    ACCESS_TOKEN_MISSING, APPSECRET_MISSING, ApiError, CODE_MISSING, INVALID_ARGUMENTS,
    INVALID_OPENID, INVALID_REFRESH_TOKEN, OPENID_MISSING, REDIRECT_MISMATCH, UNAUTHORIZED,
};
use crate::json::Object;
use crate::state::users::MOCK_USER;
use crate::state::web_logins::{Grant, TOKEN_LIFETIME};
use crate::user_id::UserId;

/// Maximum number of users on the page. Our choice.
const MAX_BUTTONS: usize = 50;

/// `GET /connect/oauth2/authorize` and `/connect/qrconnect`: a page on which one chooses the user. With `simulator_user`, which
/// the page adds, redirects to the page of the app, as after the user's consent.
///
/// Source: [web page authorization](https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html).
pub(super) fn authorize(call: &mut Call<'_>, scopes: &[&'static str]) -> Result<Content, ApiError> {
    let app = call.app_by_id(call.parameter("appid").as_deref())?;
    let target = call.parameter("redirect_uri").filter(|target| {
        let is_url = target.starts_with("https://") || target.starts_with("http://");
        is_url && !target.contains(char::is_control)
    });
    let target = target.ok_or(REDIRECT_MISMATCH)?;
    if call.parameter("response_type").as_deref() != Some("code") {
        return Err(INVALID_ARGUMENTS);
    }
    let wanted = call.parameter("scope").unwrap_or_default();
    let mut wanted = wanted.split([',', ' ']);
    let scope = wanted.find_map(|wanted| scopes.iter().find(|known| **known == wanted));
    let scope = scope.ok_or(INVALID_ARGUMENTS)?;
    let Some(user) = call.parameter("simulator_user") else {
        return Ok(Content::Html(page_of_users(call)));
    };
    let user = UserId::named(&user);
    let code = call.state.web_logins.issue(&app.id, user, scope, call.now);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("code", &code);
    if let Some(state) = call.parameter("state") {
        query.append_pair("state", &state);
    }
    let separator = if target.contains('?') { '&' } else { '?' };
    let (page, fragment) = target.split_once('#').unwrap_or((&target, ""));
    let fragment = if fragment.is_empty() {
        String::new()
    } else {
        format!("#{fragment}")
    };
    let query = query.finish();
    Ok(Content::Redirect(format!(
        "{page}{separator}{query}{fragment}"
    )))
}

/// Returns the page on which one chooses the user: one of those that are known, or any other name.
fn page_of_users(call: &Call<'_>) -> String {
    let fields = call.request.query.iter().map(|(name, value)| {
        let (name, value) = (escaped(name), escaped(value));
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
    });
    let fields: String = fields.collect();
    let mut names = call.state.users.names();
    if !names.contains(&MOCK_USER) {
        names.push(MOCK_USER);
    }
    let buttons = names.into_iter().take(MAX_BUTTONS).map(|name| {
        let name = escaped(name);
        format!("<p><button name=\"simulator_user\" value=\"{name}\">{name}</button></p>")
    });
    let buttons: String = buttons.collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>WeChat simulator</title>\
         <style>body{{font:1rem/1.5 system-ui;max-width:24rem;margin:3rem auto;padding:0 1rem}}button{{font:inherit}}</style>\
         <h1>WeChat simulator</h1><p>Log in as… · 选择登录用户</p>\
         <form>{fields}{buttons}</form>\
         <form>{fields}<label>Other user · 其他用户 <input name=\"simulator_user\" required></label> <button>OK</button></form></html>"
    )
}

/// Escapes a text for HTML.
fn escaped(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    escaped.replace('>', "&gt;").replace('"', "&quot;")
}

/// `GET /sns/oauth2/access_token`: exchanges a code.
///
/// Source: as [`authorize`].
pub(super) fn access_token(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_id(call.parameter("appid").as_deref())?;
    let secret = call.parameter("secret").ok_or(APPSECRET_MISSING)?;
    let code = call.parameter("code").ok_or(CODE_MISSING)?;
    call.check_grant_type("authorization_code")?;
    let app = call.check_secret(app, Some(&secret))?;
    let web_logins = &mut call.state.web_logins;
    let grant = web_logins.exchange(&app.id, &code, call.now)?;
    let unionid = call.state.unionid(&app, &grant.user);
    Ok(tokens(call, &grant).with_some("unionid", unionid))
}

/// `GET /sns/oauth2/refresh_token`: extends an access token.
///
/// Source: as [`authorize`].
pub(super) fn refresh_token(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_id(call.parameter("appid").as_deref())?;
    call.check_grant_type("refresh_token")?;
    let token = call
        .parameter("refresh_token")
        .ok_or(INVALID_REFRESH_TOKEN)?;
    let web_logins = &mut call.state.web_logins;
    let grant = web_logins.refresh(&app.id, &token, call.now)?;
    Ok(tokens(call, &grant))
}

/// `GET /sns/userinfo`: returns the profile, if the user allowed it.
///
/// Source: as [`authorize`].
pub(super) fn user_info(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let (grant, openid) = grant(call)?;
    if grant.scope == "snsapi_base" {
        return Err(UNAUTHORIZED);
    }
    let user = call.state.users.get(&grant.user);
    let app = call.state.app(&grant.app_id);
    let unionid = app.and_then(|app| call.state.unionid(&app, &grant.user));
    Ok(Object::new()
        .with("openid", openid)
        .with("nickname", user.nickname)
        .with("sex", 0)
        .with("language", "")
        .with("city", "")
        .with("province", "")
        .with("country", "")
        .with("headimgurl", user.avatar_url)
        .with("privilege", [(); 0])
        .with_some("unionid", unionid))
}

/// `GET /sns/auth`: checks an access token.
///
/// Source: as [`authorize`].
pub(super) fn check(call: &mut Call<'_>) -> Result<Object, ApiError> {
    grant(call)?;
    Ok(Object::ok())
}

/// Returns the grant of the access token, and the openid, which must be that of its user.
fn grant(call: &Call<'_>) -> Result<(Grant, String), ApiError> {
    let token = call.parameter("access_token").ok_or(ACCESS_TOKEN_MISSING)?;
    let openid = call.parameter("openid").ok_or(OPENID_MISSING)?;
    let grant = call.state.web_logins.grant(&token, call.now)?;
    let own = call.state.identifiers.openid(&grant.app_id, &grant.user);
    if own == openid {
        Ok((grant.clone(), openid))
    } else {
        Err(INVALID_OPENID)
    }
}

fn tokens(call: &Call<'_>, grant: &Grant) -> Object {
    let openid = call.state.identifiers.openid(&grant.app_id, &grant.user);
    Object::new()
        .with("access_token", &grant.access_token)
        .with("expires_in", TOKEN_LIFETIME.as_secs())
        .with("refresh_token", &grant.refresh_token)
        .with("openid", openid)
        .with("scope", grant.scope)
}
