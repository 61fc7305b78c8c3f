//! getApiQuota: `POST /cgi-bin/openapi/quota/get`, how often the app has called an endpoint today and how often it may.
//!
//! Knows the endpoint's member and its answer, and that `/sns/` is not asked about.
//! Never knows HTTP, the clock, or how calls are counted.
//!
//! Source: [getApiQuota](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/getApiQuota.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::endpoint::Endpoint;
use crate::refusal::{INVALID_ARGUMENTS, PATH_FORBIDDEN, PATH_NOT_FOUND, Refusal};
use crate::world::World;

/// What is said of an endpoint without a daily limit. Our choice.
const UNLIMITED: u32 = 1_000_000_000;

/// Answers one call.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let members = judge::body(asked)?;
    let path = judge::text(&members, "cgi_path").ok_or(INVALID_ARGUMENTS)?;
    let endpoint = Endpoint::at(path).ok_or(PATH_NOT_FOUND)?;
    if path.starts_with("/sns/") {
        return Err(PATH_FORBIDDEN);
    }
    let limits = world.quotas.limits(endpoint);
    let daily_limit = limits.per_day.unwrap_or(UNLIMITED);
    let used = world.quotas.used(&app.id, endpoint, now);
    let mut answer = json!({
        "errcode": 0,
        "errmsg": "ok",
        "quota": {
            "daily_limit": daily_limit,
            "used": used,
            "remain": daily_limit.saturating_sub(used),
        },
    });
    if let (Some(per_minute), Some(members)) = (limits.per_minute, answer.as_object_mut()) {
        let rate_limit = json!({"call_count": per_minute, "refresh_second": 60});
        members.insert("rate_limit".to_owned(), rate_limit);
    }
    Ok(answer)
}
