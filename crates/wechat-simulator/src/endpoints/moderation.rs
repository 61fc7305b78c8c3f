//! Calls that judge texts, media and users.

use serde_json::{Map, Value};

use crate::app::App;
use crate::endpoints::call::{Call, text};
use crate::errors::{
    APPID_MISSING, ApiError, BODY_TOO_LARGE, INVALID_APPID, INVALID_ARGUMENTS, OPENID_MISMATCH,
    RISKY_CONTENT, USER_NOT_SEEN,
};
use crate::json::Object;
use crate::state::moderation::Verdict;

/// Maximum number of characters of a text.
const MAX_TEXT: usize = 2_500;

/// `POST /wxa/msg_sec_check`: judges a text by the words that a command set. Version 1, without a `version`, returns only errors.
///
/// Source: [msgSecCheck](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/sec-center/sec-check/msgSecCheck.html).
pub(super) fn check_text(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let content = text(&body, "content").ok_or(INVALID_ARGUMENTS)?;
    if content.chars().count() > MAX_TEXT {
        return Err(BODY_TOO_LARGE);
    }
    let verdict = call.state.words.verdict(content);
    if number(&body, "version") != Some(2) {
        return match verdict {
            Verdict::Risky => Err(RISKY_CONTENT),
            Verdict::Pass | Verdict::Review => Ok(Object::ok()),
        };
    }
    check_user(call, &app, &body)?;
    let (suggest, label) = match verdict {
        Verdict::Pass => ("pass", 100),
        Verdict::Review => ("review", 21_000),
        Verdict::Risky => ("risky", 21_000),
    };
    let result = Object::new().with("suggest", suggest).with("label", label);
    let detail = Object::new()
        .with("strategy", "content_model")
        .with("errcode", 0)
        .with("suggest", suggest)
        .with("label", label)
        .with("prob", 90);
    Ok(Object::ok()
        .with("result", result)
        .with("detail", [detail])
        .with("trace_id", trace_id(call)))
}

/// `POST /wxa/media_check_async`: accepts a picture or sound. WeChat sends the result as a message push; here a command does.
///
/// Source: [mediaCheckAsync](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/sec-center/sec-check/mediaCheckAsync.html).
pub(super) fn check_media(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let url = text(&body, "media_url").ok_or(INVALID_ARGUMENTS)?;
    if !url.starts_with("http") || !matches!(number(&body, "media_type"), Some(1 | 2)) {
        return Err(INVALID_ARGUMENTS);
    }
    if number(&body, "version") == Some(2) {
        check_user(call, &app, &body)?;
    }
    Ok(Object::ok().with("trace_id", trace_id(call)))
}

/// `POST /wxa/getuserriskrank`: returns the user's rank, from 0 to 4. The misspelled `unoin_id` is WeChat's.
///
/// Source: [getUserRiskRank](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/sec-center/safety-control-capability/getUserRiskRank.html).
pub(super) fn user_risk(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    if text(&body, "appid").ok_or(APPID_MISSING)? != app.id {
        return Err(INVALID_APPID);
    }
    if !matches!(number(&body, "scene"), Some(0..=2)) || text(&body, "client_ip").is_none() {
        return Err(INVALID_ARGUMENTS);
    }
    let openid = seen_user(call, &app, &body)?;
    let user = call.state.session_keys.user(&app.id, &openid);
    let user = user.ok_or(USER_NOT_SEEN)?.clone();
    let number = call
        .state
        .identifiers
        .number("risk rank", &[&openid, &call.now.as_nanos().to_string()]);
    Ok(Object::new()
        .with("errcode", 0)
        .with("errmsg", "getuserriskrank succ")
        .with("unoin_id", number % 1_000_000_000)
        .with("risk_rank", call.state.users.get(&user).risk_rank))
}

/// Checks that the body names a user of the app who was seen in the last two hours, and a scene from 1 to 4.
fn check_user(call: &Call<'_>, app: &App, body: &Map<String, Value>) -> Result<(), ApiError> {
    if !matches!(number(body, "scene"), Some(1..=4)) {
        return Err(INVALID_ARGUMENTS);
    }
    seen_user(call, app, body).map(drop)
}

fn seen_user(call: &Call<'_>, app: &App, body: &Map<String, Value>) -> Result<String, ApiError> {
    let openid = text(body, "openid").ok_or(INVALID_ARGUMENTS)?;
    let keys = &call.state.session_keys;
    if keys.is_of_another_app(&app.id, openid) {
        return Err(OPENID_MISMATCH);
    }
    if keys.was_seen(&app.id, openid, call.now) {
        Ok(openid.to_owned())
    } else {
        Err(USER_NOT_SEEN)
    }
}

/// Returns a number, which many SDKs send as text.
fn number(body: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = body.get(name)?;
    let as_text = || value.as_str().and_then(|text| text.parse().ok());
    value.as_i64().or_else(as_text)
}

fn trace_id(call: &mut Call<'_>) -> String {
    call.state.error_replies.next_rid(call.now)
}
