//! `GET /session/key` and `POST /session/key/reset`: checks and replaces the session key.

use actix_web::{Responder, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::SessionKeys;
use crate::error::ApiError;
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::middleware::clock::RequestTime;
use crate::sessions::CurrentSession;

/// The status of the session key.
#[derive(Serialize, ToSchema)]
struct SessionKeyData {
    /// `true` if the server's key decrypts data that the mini program receives now.
    #[schema(examples(true))]
    valid: bool,
}

/// Checks the session key with WeChat.
///
/// # Errors
/// The errors of the call to WeChat and of the store.
#[utoipa::path(
    get,
    path = "/session/key",
    responses((status = 200, body = Envelope<SessionKeyData>)),
)]
pub async fn check_session_key(
    live: CurrentSession,
    keys: web::Data<SessionKeys>,
    RequestTime(now): RequestTime,
) -> Result<impl Responder, ApiError> {
    let valid = keys.is_valid(&live, now).await?;
    Ok(Success(SessionKeyData { valid }))
}

/// Has WeChat replace the session key.
///
/// # Errors
/// `session_key_stale` if only a login gives a new key; otherwise the errors of the call to WeChat and of the store.
#[utoipa::path(
    post,
    path = "/session/key/reset",
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn reset_session_key(
    live: CurrentSession,
    keys: web::Data<SessionKeys>,
    RequestTime(now): RequestTime,
) -> Result<impl Responder, ApiError> {
    keys.into_inner().reset(live, now).await?;
    Ok(Success(EmptyData {}))
}
