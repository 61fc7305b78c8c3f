//! Calls about a user's keys, which are signed with the user's session key.

use crate::endpoints::call::Call;
use crate::errors::{ApiError, INVALID_SIGNATURE, KEY_NOT_FOUND};
use crate::json::Object;

/// `GET /wxa/checksession`: checks that a session key is current. An expired key gets the same error as a replaced one.
///
/// Source: [checkSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/checkSessionKey.html).
pub(super) fn check(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let (openid, _) = call.user(&app)?;
    call.check_signature(&openid, INVALID_SIGNATURE)?;
    Ok(Object::ok())
}

/// `GET /wxa/resetusersessionkey`: replaces the session key. The old key is invalid at once.
///
/// Source: [ResetUserSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html).
pub(super) fn reset(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let (openid, user) = call.user(&app)?;
    call.check_signature(&openid, KEY_NOT_FOUND)?;
    let session_key = call.state.session_keys.reset(&app.id, &user);
    Ok(Object::ok()
        .with("openid", openid)
        .with("session_key", session_key))
}

/// `GET` or `POST /wxa/business/getuserencryptkey`: returns the user's last three encryption keys, newest first. Creates one
/// for a user whose client has not asked for any.
///
/// Source: [getUserEncryptKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/internet/getUserEncryptKey.html).
pub(super) fn encrypt_keys(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let (openid, _) = call.user(&app)?;
    call.check_signature(&openid, KEY_NOT_FOUND)?;
    let keys = call.state.encrypt_keys.latest(&openid, call.now);
    Ok(Object::ok().with("key_info_list", keys))
}
