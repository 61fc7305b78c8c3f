//! getAccessToken: `GET /cgi-bin/token`, a new access token at each call.
//!
//! Knows the endpoint's parameters and its answer.
//! Never knows HTTP, the clock, or how tokens are kept.
//!
//! Source: [getAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getAccessToken.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::endpoint::Endpoint;
use crate::refusal::{APPID_MISSING, APPSECRET_MISSING, INVALID_GRANT_TYPE, Refusal};
use crate::tokens::Granted;
use crate::world::World;

/// Answers one call.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    if asked.filled("grant_type") != Some("client_credential") {
        return Err(INVALID_GRANT_TYPE);
    }
    let app_id = asked.filled("appid").ok_or(APPID_MISSING)?;
    let secret = asked.filled("secret").ok_or(APPSECRET_MISSING)?;
    let app = judge::app(world, app_id, secret)?;
    world.count_call(&app, Endpoint::AccessToken, now)?;
    Ok(success(world.tokens.renew(&app.id, now)))
}

/// What both endpoints that give tokens answer.
pub(super) fn success(granted: Granted) -> Value {
    json!({"access_token": granted.access_token, "expires_in": granted.expires_in})
}
