//! `POST /user/phone`: a phone number code in, the phone number out.
//!
//! Knows the members of the request and of the reply. Never knows who is asked, or that it costs money.

use actix_web::{Responder, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::Phones;
use crate::error::{ApiError, ErrorCode, Refuses};
use crate::handlers::{Envelope, Success};
use crate::identity::{PhoneCode, PhoneNumber};
use crate::middleware::json::{Json, StringField};
use crate::sessions::CurrentSession;

/// What the mini program sends. Members that are not listed here are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "code": "2f7d51c34a6e0b8e2f7d51c34a6e0b8e2f7d51c34a6e0b8e2f7d51c34a6e0b8e" })))]
pub struct PhoneRequest {
    /// `e.detail.code` of the event of a `getPhoneNumber` button: 1 to 512 bytes.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 512)]
    code: StringField,
}

/// The user's own number, unmasked.
#[derive(Serialize, ToSchema)]
struct PhoneReply {
    /// With its country code before it if it is a foreign one.
    #[schema(examples("13580006666"))]
    phone_number: String,
    #[schema(examples("13580006666"))]
    pure_phone_number: String,
    #[schema(examples("86"))]
    country_code: String,
}

/// Tells the user's phone number.
///
/// # Errors
/// `code_missing`, `code_malformed` and `login_code_instead_of_phone_code` before WeChat is asked;
/// `phone_code_invalid`, `phone_code_of_another_app` and `phone_code_spent`; then what WeChat and the store said.
#[utoipa::path(
    post,
    path = "/user/phone",
    request_body = PhoneRequest,
    responses((status = 200, body = Envelope<PhoneReply>)),
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn tell(
    live: CurrentSession,
    phones: web::Data<Phones>,
    Json(request): Json<PhoneRequest>,
) -> Result<impl Responder, ApiError> {
    let (phones, code) = (phones.into_inner(), request.code()?);
    let number = phones.exchange(live, code, Timestamp::now()).await?;
    Ok(Success(PhoneReply::from(number)))
}

impl Refuses for PhoneRequest {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::CodeMissing, ErrorCode::CodeMalformed]
    }
}

impl PhoneRequest {
    fn code(&self) -> Result<PhoneCode, ErrorCode> {
        match &self.code {
            StringField::Missing => Err(ErrorCode::CodeMissing),
            StringField::String(code) => {
                PhoneCode::parse(code).map_err(|_malformed| ErrorCode::CodeMalformed)
            }
            StringField::OtherType => Err(ErrorCode::CodeMalformed),
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
