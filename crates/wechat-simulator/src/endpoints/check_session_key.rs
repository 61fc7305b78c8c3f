//! checkSessionKey: `GET /wxa/checksession`, whether a user's session key is still the current one.
//!
//! Knows the endpoint's parameters and its answer.
//! Never knows HTTP, the clock, or how keys are kept.
//!
//! Source: [checkSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/checkSessionKey.html).

use std::time::Duration;

use serde_json::Value;

use super::judge;
use crate::asked::RecordedRequest;
use crate::refusal::{INVALID_SIGNATURE, Refusal};
use crate::world::World;

/// Answers one call. A key that has expired is answered like one that was replaced.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let (openid, _) = judge::user(world, &app, asked)?;
    judge::signature(world, asked, openid, INVALID_SIGNATURE, now)?;
    Ok(judge::ok())
}
