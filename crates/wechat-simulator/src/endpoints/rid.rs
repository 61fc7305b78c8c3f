//! getRidInfo: `POST /cgi-bin/openapi/rid/get`, what was asked when the rid was answered.
//!
//! Knows the endpoint's member and its answer, which shows no secret here.
//! Never knows HTTP, the clock, or how refusals are remembered.
//!
//! Source: [getRidInfo](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/getRidInfo.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::refusal::{
    INVALID_ARGUMENTS, RID_FOREIGN, RID_MALFORMED, RID_NOT_FOUND, RID_OVER, Refusal,
};
use crate::rids::LIFETIME;
use crate::world::World;

/// Answers one call. A refusal that names no app is anybody's.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let members = judge::body(asked)?;
    let rid = judge::text(&members, "rid").ok_or(INVALID_ARGUMENTS)?;
    let blocks: Vec<&str> = rid.split('-').collect();
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if blocks.len() != 3
        || !blocks
            .iter()
            .all(|text| text.len() == 8 && hexadecimal(text))
    {
        return Err(RID_MALFORMED);
    }
    let refused = world.rids.find(rid).ok_or(RID_NOT_FOUND)?;
    if refused.app_id.as_ref().is_some_and(|id| *id != app.id) {
        return Err(RID_FOREIGN);
    }
    if now >= refused.at.saturating_add(LIFETIME) {
        return Err(RID_OVER);
    }
    Ok(json!({
        "errcode": 0,
        "errmsg": "ok",
        "request": {
            "invoke_time": refused.at.as_secs(),
            "cost_in_ms": 1,
            "request_url": refused.url,
            "request_body": refused.body,
            "response_body": refused.answer,
            "client_ip": refused.caller,
        },
    }))
}
