//! Exchanges a phone number code for the user's phone number (`getuserphonenumber`).

use serde_json::json;

use crate::identity::{AccessTokenText, AppId, OpenId, PhoneCode, PhoneNumber, PhoneText};
use crate::platforms::error::Error;
use crate::platforms::rejection::Reason;
use crate::platforms::wechat::client::Client;
use crate::platforms::wechat::code_shape::CodeShape;
use crate::platforms::wechat::endpoint::Endpoint;

impl Client {
    /// Fetches the phone number that a user agreed to share. One round trip; never sent twice.
    ///
    /// A success costs money and spends the code, so the call is not retried once bytes were written, not even after errcode
    /// -1: WeChat does not document whether the code survives that, and a blind retry would hide "busy" behind "invalid
    /// code". The caller, which records what was exchanged, may send the same code again if
    /// [`Error::may_have_been_processed`] is `false`. The openid is sent along, so that WeChat rejects a code that was
    /// stolen from another user.
    ///
    /// # Errors
    /// [`Error::Rejected`]: with [`Reason::TokenInvalid`], renew the token and send the same code. [`Error::TimedOut`],
    /// [`Error::ConnectionLost`] and [`Error::InvalidReply`] if the code may be spent, and paid for, without a number;
    /// [`Error::Unreachable`], [`Error::CircuitOpen`] and [`Error::Overloaded`] if nothing was sent.
    ///
    /// Source: [getPhoneNumber](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html),
    /// read 2026-11-23.
    pub async fn phone_number(
        &self,
        app: &AppId,
        token: &AccessTokenText,
        code: &PhoneCode,
        openid: &OpenId,
    ) -> Result<PhoneNumber, Error> {
        let query = [("access_token", token.expose())];
        let body = json!({"code": code.expose(), "openid": openid.expose()});
        let mut reply = self
            .post(app, Endpoint::PhoneNumber, &query, &body)
            .await
            .map_err(|error| error.explained(Reason::CodeInvalid, &hint(code)))?;
        let mut info = reply.required_object("phone_info")?;
        Ok(PhoneNumber {
            watermark: info.watermark(app)?,
            phone_number: PhoneText::new(info.required_digits("phoneNumber")?),
            pure_phone_number: PhoneText::new(info.required_digits("purePhoneNumber")?),
            country_code: info.required_digits("countryCode")?,
        })
    }
}

/// Interprets the shape of a rejected phone number code.
fn hint(code: &PhoneCode) -> String {
    match CodeShape::of(code.expose()) {
        CodeShape::Login => "this one is shaped like a login code, which is no phone number code: send `e.detail.code` of the button's event".to_owned(),
        CodeShape::Phone => "this one is shaped like a phone number code, so check its age (5 minutes from the tap) and its AppID first".to_owned(),
        shape @ (CodeShape::Mock | CodeShape::Truncated | CodeShape::Unknown) => format!("this one is {shape}"),
    }
}
