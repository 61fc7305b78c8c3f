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

/// `POST /cgi-bin/clear_quota/v2`: the same with the AppSecret, in the query or in the body. Both count together.
///
/// Source: [clearQuotaByAppSecret](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/clearQuotaByAppSecret.html).
pub(super) fn clear_quota_by_secret(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let body = call.body().unwrap_or_default();
    let parameter = |name| {
        let in_body = || text(&body, name).map(str::to_owned);
        call.parameter(name).or_else(in_body)
    };
    let (app_id, secret) = (parameter("appid"), parameter("appsecret"));
    let app = call.app_by_id(app_id.as_deref())?;
    let app = call.check_secret(app, secret.as_deref())?;
    call.state.quotas.clear(&app.id, call.now)?;
    Ok(Object::ok())
}

/// `GET /cgi-bin/getcallbackip`: returns addresses from which message pushes come, which are reserved for documentation.
///
/// Source: [getCallbackIp](https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_the_WeChat_server_IP_address.html).
pub(super) fn callback_ip(call: &mut Call<'_>) -> Result<Object, ApiError> {
    call.app_by_token()?;
    Ok(Object::new().with("ip_list", ["192.0.2.1", "192.0.2.2"]))
}

/// `GET /cgi-bin/get_api_domain_ip`: returns addresses of `api.weixin.qq.com`, which are reserved for documentation.
///
/// Source: as [`callback_ip`].
pub(super) fn api_domain_ip(call: &mut Call<'_>) -> Result<Object, ApiError> {
    call.app_by_token()?;
    Ok(Object::new().with("ip_list", ["198.51.100.1", "198.51.100.2"]))
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
