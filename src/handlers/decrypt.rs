//! `POST /user/decrypt`: decrypts the data of a mini program's event.

use actix_web::{Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::Decryption;
use crate::error::{ApiError, ErrorCode};
use crate::handlers::real_projects::RealProjects;
use crate::handlers::reply::{Envelope, Success};
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::platforms::{EncryptedData, Fields, SignedRawData};
use crate::sessions::CurrentSession;

/// The fields of the event, unchanged. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({
    "encryptedData": "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==",
    "iv": "r7BXXKkLb8qrSNn05n0qiA=="
})))]
pub struct DecryptRequest {
    #[serde(default, rename = "encryptedData")]
    #[schema(value_type = String, required = true)]
    encrypted_data: StringField,
    #[serde(default)]
    #[schema(value_type = String, required = true)]
    iv: StringField,
    /// Only with `signature`.
    #[serde(default, rename = "rawData")]
    #[schema(value_type = String)]
    raw_data: StringField,
    /// Only with `rawData`.
    #[serde(default)]
    #[schema(value_type = String)]
    signature: StringField,
}

/// The decrypted fields as WeChat wrote them, without `openId` and `unionId`.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
struct DecryptedData(Fields);

/// Decrypts the data and returns it without `openId` and `unionId`.
///
/// # Errors
/// `encrypted_data_missing`; `encrypted_data_malformed`; `session_key_stale` for every other cause.
#[utoipa::path(
    post,
    path = "/user/decrypt",
    request_body = DecryptRequest,
    responses((status = 200, body = Envelope<DecryptedData>, example = json!({
        "code": 0, "message": "success!", "data": { "nickName": "Mei", "gender": 0, "language": "zh_CN" }
    }))),
)]
pub async fn decrypt_data(
    live: CurrentSession,
    decryption: web::Data<Decryption>,
    real_projects: web::Data<RealProjects>,
    RequestTime(now): RequestTime,
    Json(request): Json<DecryptRequest>,
) -> Result<impl Responder, ApiError> {
    let encrypted = request.encrypted().ok_or(ErrorCode::EncryptedDataMissing)?;
    let fields = decryption.decrypt(&live, &encrypted, now).await;
    let fields = fields.inspect_err(|error| real_projects.explain(error))?;
    Ok(Success(DecryptedData(fields)))
}

impl DecryptRequest {
    fn encrypted(&self) -> Option<EncryptedData<'_>> {
        let (StringField::String(data), StringField::String(iv)) = (&self.encrypted_data, &self.iv)
        else {
            return None;
        };
        let raw = match (&self.raw_data, &self.signature) {
            (StringField::Missing, StringField::Missing) => None,
            (StringField::String(text), StringField::String(signature)) => Some(SignedRawData {
                text: text.as_bytes(),
                signature,
            }),
            _ => return None,
        };
        Some(EncryptedData { data, iv, raw })
    }
}
