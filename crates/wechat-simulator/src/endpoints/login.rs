//! code2Session: exchanges a login code for an openid and a session key.

use crate::endpoints::call::Call;
use crate::errors::{APPSECRET_MISSING, ApiError, CODE_MISSING};
use crate::json::Object;

/// `GET` or `POST /sns/jscode2session`. Checks the AppID first, then for missing parameters, then the AppSecret and the code
/// (our choice).
///
/// Source: [code2Session](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html).
pub(super) fn code2session(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_id(call.parameter("appid").as_deref())?;
    let secret = call.parameter("secret").ok_or(APPSECRET_MISSING)?;
    let code = call.parameter("js_code").ok_or(CODE_MISSING)?;
    call.check_grant_type("authorization_code")?;
    let app = call.check_secret(app, Some(&secret))?;
    call.state.log_in(&app, &code, call.now)
}
