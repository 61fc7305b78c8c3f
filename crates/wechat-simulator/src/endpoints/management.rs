//! Calls about the API itself: quotas and rids.

use crate::endpoint::Endpoint;
use crate::endpoints::call::{Call, text};
use crate::errors::{
    APPID_MISSING, ApiError, INVALID_APPID, INVALID_ARGUMENTS, PATH_FORBIDDEN, PATH_NOT_FOUND,
    RID_EXPIRED, RID_MALFORMED, RID_NOT_FOUND, RID_OF_OTHER_APP,
};
use crate::json::Object;
use crate::state::history::RID_LIFETIME;

/// The daily limit that is reported for an endpoint without one. Our choice.
const UNLIMITED: u32 = 1_000_000_000;

/// `POST /cgi-bin/openapi/quota/get`: returns the number of today's calls to an endpoint, and its limits. Endpoints under
/// `/sns/` are not available.
///
/// Source: [getApiQuota](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/getApiQuota.html).
pub(super) fn quota(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let path = text(&body, "cgi_path").ok_or(INVALID_ARGUMENTS)?;
    let endpoint = Endpoint::at(path).ok_or(PATH_NOT_FOUND)?;
    if path.starts_with("/sns/") {
        return Err(PATH_FORBIDDEN);
    }
    let quotas = &call.state.quotas;
    let limits = quotas.limits(endpoint);
    let daily_limit = limits.per_day.unwrap_or(UNLIMITED);
    let used = quotas.calls_today(&app.id, endpoint, call.now);
    let quota = Object::new()
        .with("daily_limit", daily_limit)
        .with("used", used)
        .with("remain", daily_limit.saturating_sub(used));
    let rate_limit = limits.per_minute.map(|per_minute| {
        Object::new()
            .with("call_count", per_minute)
            .with("refresh_second", 60)
    });
    Ok(Object::ok()
        .with("quota", quota)
        .with_some("rate_limit", rate_limit))
}

/// `POST /cgi-bin/clear_quota`: resets the app's call counts.
///
/// Source: [clearQuota](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/clearQuota.html).
pub(super) fn clear_quota(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let app_id = text(&body, "appid").ok_or(APPID_MISSING)?;
    if app_id != app.id {
        return Err(INVALID_APPID);
    }
    call.state.quotas.clear(&app.id, call.now)?;
    Ok(Object::ok())
}

/// `POST /cgi-bin/openapi/rid/get`: returns the request that got an error reply with this rid, without secrets. A request
/// that identifies no app can be queried by any app.
///
/// Source: [getRidInfo](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/getRidInfo.html).
pub(super) fn rid_info(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let rid = text(&body, "rid").ok_or(INVALID_ARGUMENTS)?;
    let blocks: Vec<&str> = rid.split('-').collect();
    let is_valid = |block: &&str| block.len() == 8 && block.bytes().all(|b| b.is_ascii_hexdigit());
    if blocks.len() != 3 || !blocks.iter().all(is_valid) {
        return Err(RID_MALFORMED);
    }
    let reply = call.state.error_replies.find(rid).ok_or(RID_NOT_FOUND)?;
    if reply.app_id.as_ref().is_some_and(|id| *id != app.id) {
        return Err(RID_OF_OTHER_APP);
    }
    if call.now >= reply.at.saturating_add(RID_LIFETIME) {
        return Err(RID_EXPIRED);
    }
    Ok(Object::ok().with("request", &reply.info))
}
