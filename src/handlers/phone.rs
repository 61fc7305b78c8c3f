//! `POST /user/phone`: a phone number code in, the phone number out.
//!
//! Knows the members of the request and of the reply. Never knows who is asked, or that it costs money.

use actix_web::{Responder, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Phones;
use crate::error::{ApiError, ErrorCode};
use crate::handlers::Success;
use crate::identity::{PhoneCode, PhoneNumber};
use crate::middleware::json::{Json, Text};
use crate::middleware::session::CurrentSession;

/// What the mini program sends. Members that are not listed here are ignored.
#[derive(Deserialize)]
pub struct PhoneRequest {
    /// `e.detail.code` of the event of a `getPhoneNumber` button.
    #[serde(default)]
    code: Text,
}

/// The user's own number, unmasked.
#[derive(Serialize)]
struct PhoneReply {
    /// With its country code before it if it is a foreign one.
    phone_number: String,
    pure_phone_number: String,
    country_code: String,
}

/// Tells the user's phone number.
///
/// # Errors
/// `code_missing`, `code_malformed` and `login_code_instead_of_phone_code` before WeChat is asked;
/// `phone_code_invalid`, `phone_code_of_another_app` and `phone_code_spent`; then what WeChat and the store said.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn tell(
    CurrentSession(live): CurrentSession,
    phones: web::Data<Phones>,
    Json(request): Json<PhoneRequest>,
) -> Result<impl Responder, ApiError> {
    let (phones, code) = (phones.into_inner(), request.code()?);
    let number = phones.exchange(live, code, Timestamp::now()).await?;
    Ok(Success(PhoneReply::from(number)))
}

impl PhoneRequest {
    fn code(&self) -> Result<PhoneCode, ErrorCode> {
        match &self.code {
            Text::Absent => Err(ErrorCode::CodeMissing),
            Text::Text(code) => {
                PhoneCode::parse(code).map_err(|_malformed| ErrorCode::CodeMalformed)
            }
            Text::OtherKind => Err(ErrorCode::CodeMalformed),
        }
    }
}

impl From<PhoneNumber> for PhoneReply {
    fn from(number: PhoneNumber) -> Self {
        Self {
            phone_number: number.phone_number.expose().to_owned(),
            pure_phone_number: number.pure_phone_number.expose().to_owned(),
            country_code: number.country_code,
        }
    }
}
