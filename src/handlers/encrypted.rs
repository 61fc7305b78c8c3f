//! `POST /user/decrypt`: what a mini program's event hands over encrypted in, what is inside out.
//!
//! Knows the members of the request, which are named as the events name them. Never knows what is inside, or any key.

use actix_web::{Responder, web};
use jiff::Timestamp;
use serde::Deserialize;

use crate::account::Decryption;
use crate::error::{ApiError, ErrorCode};
use crate::handlers::Success;
use crate::middleware::json::{Json, Text};
use crate::middleware::session::CurrentSession;
use crate::wechat::encrypted_data::{Encrypted, RawData};

/// What the event gives, verbatim. Members that are not listed here are ignored.
#[derive(Deserialize)]
pub struct DecryptRequest {
    #[serde(default, rename = "encryptedData")]
    encrypted_data: Text,
    #[serde(default)]
    iv: Text,
    /// Only with `signature`.
    #[serde(default, rename = "rawData")]
    raw_data: Text,
    /// Only with `rawData`.
    #[serde(default)]
    signature: Text,
}

/// Opens the data, and answers with what is inside, but for `openId` and `unionId`.
///
/// # Errors
/// `encrypted_data_missing`; `session_key_stale` whatever else is wrong.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn open(
    CurrentSession(live): CurrentSession,
    decryption: web::Data<Decryption>,
    Json(request): Json<DecryptRequest>,
) -> Result<impl Responder, ApiError> {
    let encrypted = request.encrypted().ok_or(ErrorCode::EncryptedDataMissing)?;
    let members = decryption.open(&live, &encrypted, Timestamp::now())?;
    Ok(Success(members))
}

impl DecryptRequest {
    fn encrypted(&self) -> Option<Encrypted<'_>> {
        let (Text::Text(data), Text::Text(iv)) = (&self.encrypted_data, &self.iv) else {
            return None;
        };
        let raw = match (&self.raw_data, &self.signature) {
            (Text::Absent, Text::Absent) => None,
            (Text::Text(text), Text::Text(signature)) => Some(RawData {
                text: text.as_bytes(),
                signature,
            }),
            _ => return None,
        };
        Some(Encrypted { data, iv, raw })
    }
}
