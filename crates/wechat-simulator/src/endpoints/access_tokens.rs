//! Calls that return an access token.

use serde_json::{Value, json};

use crate::endpoints::call::{Call, text};
use crate::errors::{ApiError, INVALID_GRANT_TYPE};

/// `GET /cgi-bin/token`: issues a new access token.
///
/// Source: [getAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getAccessToken.html).
pub(super) fn plain(call: &mut Call<'_>) -> Result<Value, ApiError> {
    if call.parameter("grant_type") != Some("client_credential") {
        return Err(INVALID_GRANT_TYPE);
    }
    let app = call.app_by_secret(call.parameter("appid"), call.parameter("secret"))?;
    Ok(json!(call.state.access_tokens.plain(&app.id, call.now)))
}

/// `POST /cgi-bin/stable_token`: returns the same access token until its last five minutes. Only `true` itself forces a new
/// one.
///
/// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html).
pub(super) fn stable(call: &mut Call<'_>) -> Result<Value, ApiError> {
    let body = call.body()?;
    if text(&body, "grant_type") != Some("client_credential") {
        return Err(INVALID_GRANT_TYPE);
    }
    let app = call.app_by_secret(text(&body, "appid"), text(&body, "secret"))?;
    let tokens = &mut call.state.access_tokens;
    let grant = match body.get("force_refresh") {
        Some(Value::Bool(true)) => tokens.force_stable(&app.id, call.now),
        _ => tokens.stable(&app.id, call.now),
    };
    Ok(json!(grant))
}
