//! Calls about a user's data: phone number, unionid, openpid and encrypted data.

use crate::app::App;
use crate::endpoints::call::{Call, text};
use crate::errors::{
    ApiError, CODE_MISSING, DAILY_QUOTA_EXCEEDED, DATA_NOT_FOUND, INVALID_APPID, INVALID_ARGUMENTS,
    INVALID_CODE, INVALID_TRADE, MALFORMED_BODY, OPEN_NOT_EXISTS, OPENPID_NOT_FOUND,
    PLUGIN_MALFORMED_BODY, PLUGIN_MISMATCH, PLUGIN_PARAMETERS,
};
use crate::json::Object;
use crate::state::State;
use crate::state::codes::CodeError;
use crate::state::history::Payment;
use crate::user_id::UserId;

/// `POST /wxa/business/getuserphonenumber`: exchanges a phone code for the phone number.
///
/// Our choice, because it is not documented: a used code, and one whose user does not have the given `openid`, get error
/// 40029 and stay as they are. An unissued code belongs to the user of the `openid`, or without one to a user of its own.
///
/// Source: [getPhoneNumber](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html).
pub(super) fn phone_number(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let code = text(&body, "code").ok_or(CODE_MISSING)?;
    let owner = call.state.phone_codes.owner(&app.id, code, call.now);
    let owner = owner.map_err(|error| match error {
        CodeError::WrongApp => INVALID_APPID,
        CodeError::Used | CodeError::Expired | CodeError::Unknown => INVALID_CODE,
        CodeError::TooMany => DAILY_QUOTA_EXCEEDED,
    })?;
    let user = match text(&body, "openid") {
        None => owner.user.clone(),
        Some(openid) => phone_user(call.state, &app, &owner.user, openid).ok_or(INVALID_CODE)?,
    };
    let codes = &mut call.state.phone_codes;
    codes.mark_used(&app.id, code, owner, call.now);
    let watermark = Object::watermark(call.now.as_secs(), &app.id);
    let phone_info = call.state.users.get(&user).phone_info();
    Ok(Object::ok().with("phone_info", phone_info.with("watermark", watermark)))
}

/// Returns the user with this openid, if the code of `owner` may be theirs.
fn phone_user(state: &State, app: &App, owner: &UserId, openid: &str) -> Option<UserId> {
    if owner.name().is_some() {
        (state.openid(app, owner) == openid).then(|| owner.clone())
    } else {
        state.session_keys.user(&app.id, openid).cloned()
    }
}

/// `GET /wxa/getpaidunionid`: returns the unionid of a user who paid in the last five minutes. Without parameters any
/// payment counts.
///
/// Source: [getPaidUnionid](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/getPaidUnionid.html).
pub(super) fn paid_unionid(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let (openid, user) = call.user(&app)?;
    let unionid = call.state.unionid(&app, &user).ok_or(OPEN_NOT_EXISTS)?;
    let payment = match (
        call.parameter("transaction_id"),
        call.parameter("mch_id"),
        call.parameter("out_trade_no"),
    ) {
        (Some(id), _, _) => Some(Payment::Transaction(id)),
        (None, Some(merchant), Some(number)) => Some(Payment::MerchantOrder { merchant, number }),
        (None, None, None) => None,
        (None, _, _) => return Err(INVALID_TRADE),
    };
    let payments = &call.state.payments;
    if !payments.contains(&openid, payment.as_ref(), call.now) {
        return Err(INVALID_TRADE);
    }
    Ok(Object::new()
        .with("unionid", unionid)
        .with("errcode", 0)
        .with("errmsg", "ok"))
}

/// `POST /wxa/getpluginopenpid`: exchanges a plugin code for an openpid. It has error numbers of its own.
///
/// Source: [getPluginOpenPId](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/getPluginOpenPId.html).
pub(super) fn plugin_openpid(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body().map_err(|error| match error {
        MALFORMED_BODY => PLUGIN_MALFORMED_BODY,
        error => error,
    })?;
    let code = text(&body, "code").ok_or(PLUGIN_PARAMETERS)?;
    let owner = call.state.plugin_codes.owner(&app.id, code, call.now);
    let owner = owner.map_err(|error| match error {
        CodeError::WrongApp => PLUGIN_MISMATCH,
        CodeError::Used | CodeError::Expired | CodeError::Unknown | CodeError::TooMany => {
            OPENPID_NOT_FOUND
        }
    })?;
    let openpid = call.state.identifiers.openpid(&app.id, owner.user.as_str());
    let codes = &mut call.state.plugin_codes;
    codes.mark_used(&app.id, code, owner, call.now);
    Ok(Object::ok().with("openpid", openpid))
}

/// `POST /wxa/business/checkencryptedmsg`: checks that WeChat created an encrypted phone number. The digest may be that of
/// the base64 text or of its bytes. The misspelled `vaild` is WeChat's.
///
/// Source: [checkEncryptedData](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/checkEncryptedData.html).
pub(super) fn check_encrypted_data(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let digest = text(&body, "encrypted_msg_hash").ok_or(INVALID_ARGUMENTS)?;
    let digest = digest.to_ascii_lowercase();
    let created_at = call
        .state
        .phone_data
        .created_at(&app.id, &digest, call.now)
        .ok_or(DATA_NOT_FOUND)?
        .as_secs();
    Ok(Object::ok()
        .with("vaild", true)
        .with("create_time", created_at))
}
