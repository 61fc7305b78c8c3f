//! Logins through a third-party platform (服务商), which acts for apps that authorized it.

use crate::endpoints::call::{Call, text};
use crate::errors::{
    ApiError, CODE_MISSING, COMPONENT_NOT_AUTHORIZED, INVALID_APPID, INVALID_APPSECRET,
    INVALID_TICKET, NOT_LATEST,
};
use crate::json::Object;

/// `POST /cgi-bin/component/api_component_token`: exchanges the ticket that WeChat pushes; here a command returns it.
///
/// Source: [getComponentAccessToken](https://developers.weixin.qq.com/doc/oplatform/openApi/OpenApiDoc/ticket-token/getComponentAccessToken.html).
pub(super) fn token(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let body = call.body()?;
    let component = &call.state.component;
    if text(&body, "component_appid") != Some(&component.id) {
        return Err(INVALID_APPID);
    }
    if text(&body, "component_appsecret") != Some(&component.secret) {
        return Err(INVALID_APPSECRET);
    }
    if text(&body, "component_verify_ticket") != Some(&component.ticket) {
        return Err(INVALID_TICKET);
    }
    let grant = call.state.access_tokens.plain(&component.id, call.now);
    Ok(Object::new()
        .with("component_access_token", grant.access_token)
        .with("expires_in", grant.expires_in))
}

/// `GET /sns/component/jscode2session`: logs a user in to an app that authorized the platform.
///
/// Source: [thirdpartyCode2Session](https://developers.weixin.qq.com/doc/oplatform/openApi/OpenApiDoc/miniprogram-management/login/thirdpartyCode2Session.html).
pub(super) fn login(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_id(call.parameter("appid").as_deref())?;
    let code = call.parameter("js_code").ok_or(CODE_MISSING)?;
    call.check_grant_type("authorization_code")?;
    let component = &call.state.component;
    if call.parameter("component_appid").as_deref() != Some(&component.id) {
        return Err(INVALID_APPID);
    }
    let token = call.parameter("component_access_token").unwrap_or_default();
    if call.state.access_tokens.app_id(&token, call.now)? != component.id {
        return Err(NOT_LATEST);
    }
    if component.unauthorized.contains(&app.id) {
        return Err(COMPONENT_NOT_AUTHORIZED);
    }
    let app = call.count(app)?;
    call.state.log_in(&app, &code, call.now)
}
