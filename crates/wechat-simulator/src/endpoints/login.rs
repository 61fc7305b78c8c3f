//! code2Session: exchanges a login code for an openid and a session key.

use serde_json::{Value, json};

use crate::endpoints::call::Call;
use crate::errors::{APPID_MISSING, APPSECRET_MISSING, ApiError, CODE_MISSING, INVALID_GRANT_TYPE};

/// `GET /sns/jscode2session`. Checks for missing parameters first, then the app, then the code (our choice).
///
/// Source: [code2Session](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html).
pub(super) fn code2session(call: &mut Call<'_>) -> Result<Value, ApiError> {
    let app_id = call.parameter("appid").ok_or(APPID_MISSING)?;
    let secret = call.parameter("secret").ok_or(APPSECRET_MISSING)?;
    let code = call.parameter("js_code").ok_or(CODE_MISSING)?;
    if call.parameter("grant_type") != Some("authorization_code") {
        return Err(INVALID_GRANT_TYPE);
    }
    let app = call.app_by_secret(Some(app_id), Some(secret))?;
    let login = call.state.log_in(&app, code, call.now)?;
    Ok(json!(login))
}
