//! clearQuota: `POST /cgi-bin/clear_quota`, which forgets how often the app has called.
//!
//! Knows the endpoint's member and its answer.
//! Never knows HTTP, the clock, or how calls are counted.
//!
//! Source: [clearQuota](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/clearQuota.html).

use std::time::Duration;

use serde_json::Value;

use super::judge;
use crate::asked::RecordedRequest;
use crate::refusal::{APPID_MISSING, INVALID_APPID, Refusal};
use crate::world::World;

/// Answers one call.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let members = judge::body(asked)?;
    let app_id = judge::text(&members, "appid").ok_or(APPID_MISSING)?;
    if app_id != app.id {
        return Err(INVALID_APPID);
    }
    world.quotas.clear(&app.id, now)?;
    Ok(judge::ok())
}
