//! getStableAccessToken: `POST /cgi-bin/stable_token`, the same access token until its last five minutes.
//!
//! Knows the endpoint's members and its answer.
//! Never knows HTTP, the clock, or how tokens are kept.
//!
//! Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html).

use std::time::Duration;

use serde_json::Value;

use super::{access_token, judge};
use crate::asked::RecordedRequest;
use crate::endpoint::Endpoint;
use crate::refusal::{APPID_MISSING, APPSECRET_MISSING, INVALID_GRANT_TYPE, Refusal};
use crate::world::World;

/// Answers one call. Only `true` itself forces a renewal.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let members = judge::body(asked)?;
    if judge::text(&members, "grant_type") != Some("client_credential") {
        return Err(INVALID_GRANT_TYPE);
    }
    let app_id = judge::text(&members, "appid").ok_or(APPID_MISSING)?;
    let secret = judge::text(&members, "secret").ok_or(APPSECRET_MISSING)?;
    let app = judge::app(world, app_id, secret)?;
    world.count_call(&app, Endpoint::StableAccessToken, now)?;
    let granted = match members.get("force_refresh") {
        Some(Value::Bool(true)) => world.tokens.force_stable(&app.id, now),
        _ => world.tokens.stable(&app.id, now),
    };
    Ok(access_token::success(granted))
}
