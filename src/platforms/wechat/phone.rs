//! Exchanges a phone number code for the user's phone number.
//!
//! Knows the `getuserphonenumber` wire format.
//! Never knows who pays for it, or what becomes of the number.

use serde_json::json;

use crate::identity::{AccessTokenText, AppId, OpenId, PhoneCode, PhoneNumber, PhoneText};
use crate::platforms::wechat::Client;
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::errcode::Class;
use crate::platforms::wechat::error::Error;
use crate::platforms::wechat::refusal::Clue;

impl Client {
    /// Asks WeChat for the phone number that a user has agreed to give. One round trip; never sent twice.
    ///
    /// A success costs money and spends the code, so nothing is repeated once bytes were written, not even after errcode
    /// -1: WeChat does not say whether the code survives that, and a blind second try would hide "busy" behind "invalid
    /// code". The caller, who keeps what was exchanged, may send the same code again; [`Error::may_have_been_heard`]
    /// tells whether that is in doubt. The openid is sent along, so that WeChat refuses a code that was stolen from
    /// another user.
    ///
    /// # Errors
    /// [`Error::Refused`]: [`is_token_refused`](Error::is_token_refused) asks for a renewed token and the same code, and
    /// its [`class`](crate::platforms::wechat::Refusal::class) tells the rest; [`Error::TimedOut`], [`Error::ConnectionLost`] and
    /// [`Error::Unintelligible`] if the code may be spent, and paid for, without a number, as also where the number is
    /// marked for another app; [`Error::Unreachable`], [`Error::CircuitOpen`] and [`Error::Overloaded`] if it was not sent.
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
        let mut answer = self
            .post(app, Endpoint::PhoneNumber, &query, &body)
            .await
            .map_err(|error| error.with_clue(Class::CodeInvalid, Clue::PhoneShape(code.shape())))?;
        let mut info = answer.required_object("phone_info")?;
        Ok(PhoneNumber {
            watermark: info.watermark(app)?,
            phone_number: PhoneText::new(info.required_digits("phoneNumber")?),
            pure_phone_number: PhoneText::new(info.required_digits("purePhoneNumber")?),
            country_code: info.required_digits("countryCode")?,
        })
    }
}
