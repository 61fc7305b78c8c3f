//! `ResetUserSessionKey`: `GET /wxa/resetusersessionkey`, a new session key in the place of the current one.
//!
//! Knows the endpoint's parameters and its answer.
//! Never knows HTTP, the clock, or how keys are kept.
//!
//! Source: [ResetUserSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::refusal::{KEY_NOT_FOUND, Refusal};
use crate::sessions::Who;
use crate::world::World;

/// Answers one call. The old key is dead when this returns.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let (openid, user) = judge::user(world, &app, asked)?;
    judge::signature(world, asked, openid, KEY_NOT_FOUND, now)?;
    let session_key = world.sessions.reset(&Who {
        app_id: &app.id,
        openid,
        user: &user,
    });
    Ok(json!({"errcode": 0, "errmsg": "ok", "openid": openid, "session_key": session_key}))
}
