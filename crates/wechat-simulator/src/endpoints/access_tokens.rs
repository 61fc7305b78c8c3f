//! Calls that return an access token.

use serde_json::Value;

use crate::endpoints::call::{Call, text};
use crate::errors::{ApiError, INVALID_GRANT_TYPE};
use crate::json::Object;
use crate::state::access_tokens::Grant;

/// `GET` or `POST /cgi-bin/token`: issues a new access token. The AppID is checked first.
///
/// Source: [getAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getAccessToken.html).
pub(super) fn plain(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_id(call.parameter("appid").as_deref())?;
    call.check_grant_type("client_credential")?;
    let app = call.check_secret(app, call.parameter("secret").as_deref())?;
    let grant = call.state.access_tokens.plain(&app.id, call.now);
    Ok(reply(grant))
}

fn reply(grant: Grant) -> Object {
    Object::new()
        .with("access_token", grant.access_token)
        .with("expires_in", grant.expires_in)
}

/// `POST /cgi-bin/stable_token`: returns the same access token until its last five minutes. Only `true` itself forces a new
/// one.
///
/// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html).
pub(super) fn stable(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let body = call.body()?;
    let app = call.app_by_id(text(&body, "appid"))?;
    if text(&body, "grant_type") != Some("client_credential") {
        return Err(INVALID_GRANT_TYPE);
    }
    let app = call.check_secret(app, text(&body, "secret"))?;
    let tokens = &mut call.state.access_tokens;
    let grant = match body.get("force_refresh") {
        Some(Value::Bool(true)) => tokens.force_stable(&app.id, call.now),
        _ => tokens.stable(&app.id, call.now),
    };
    Ok(reply(grant))
}
