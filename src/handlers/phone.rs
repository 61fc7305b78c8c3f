//! `POST /user/phone`: exchanges a phone number code for the phone number.

use actix_web::{Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{KeptPhoneNumber, PhoneNumbers};
use crate::error::ApiError;
use crate::handlers::code_field;
use crate::handlers::reply::{Envelope, Success};
use crate::identity::{PhoneCode, PhoneNumber};
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::sessions::CurrentSession;

/// The request. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "code": "2f7d51c34a6e0b8e2f7d51c34a6e0b8e2f7d51c34a6e0b8e2f7d51c34a6e0b8e" })))]
pub struct PhoneNumberRequest {
    /// `e.detail.code` of the event of a `getPhoneNumber` button.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^[0-9A-Za-z_-]{1,128}$")]
    code: StringField,
}

/// The user's own number, unmasked.
#[derive(Serialize, ToSchema)]
pub(super) struct PhoneNumberData {
    /// Includes the country code if the number is a foreign one.
    #[schema(examples("13580006666"))]
    phone_number: String,
    #[schema(examples("13580006666"))]
    pure_phone_number: String,
    #[schema(examples("86"))]
    country_code: String,
}

/// Returns the user's phone number.
///
/// # Errors
/// `code_missing`, `code_malformed` and `login_code_instead_of_phone_code` before the call to WeChat;
/// `phone_code_invalid`, `phone_code_of_another_app` and `phone_code_spent`; the errors of the call and of the store.
#[utoipa::path(
    post,
    path = "/user/phone",
    request_body = PhoneNumberRequest,
    responses((status = 200, body = Envelope<PhoneNumberData>)),
)]
pub async fn get_phone_number(
    live: CurrentSession,
    phones: web::Data<PhoneNumbers>,
    RequestTime(now): RequestTime,
    Json(request): Json<PhoneNumberRequest>,
) -> Result<impl Responder, ApiError> {
    let code = code_field::parse(&request.code, PhoneCode::parse)?;
    let number = phones.into_inner().exchange(live, code, now).await?;
    Ok(Success(PhoneNumberData::from(number)))
}

impl From<PhoneNumber> for PhoneNumberData {
    fn from(number: PhoneNumber) -> Self {
        Self {
            phone_number: number.phone_number.expose().to_owned(),
            pure_phone_number: number.pure_phone_number.expose().to_owned(),
            country_code: number.country_code,
        }
    }
}

impl From<KeptPhoneNumber> for PhoneNumberData {
    fn from(number: KeptPhoneNumber) -> Self {
        Self {
            phone_number: number.phone_number.expose().to_owned(),
            pure_phone_number: number.pure_phone_number.expose().to_owned(),
            country_code: number.country_code,
        }
    }
}
