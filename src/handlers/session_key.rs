//! `GET /session/key` and `POST /session/key/reset`: whether WeChat honours the session key, and another one.
//!
//! Knows the members of the reply. Never knows a key.

use actix_web::{Responder, web};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::SessionKeys;
use crate::error::ApiError;
use crate::handlers::{Envelope, Nothing, Success};
use crate::sessions::CurrentSession;

#[derive(Serialize, ToSchema)]
struct StandingReply {
    /// Whether data that the mini program takes now opens with the key that the server has.
    #[schema(examples(true))]
    valid: bool,
}

/// Tells whether WeChat still honours the session's key.
///
/// # Errors
/// What WeChat and the store said, if WeChat does not tell.
#[utoipa::path(
    get,
    path = "/session/key",
    responses((status = 200, body = Envelope<StandingReply>)),
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn check(
    live: CurrentSession,
    keys: web::Data<SessionKeys>,
) -> Result<impl Responder, ApiError> {
    let valid = keys.is_in_force(&live, Timestamp::now()).await?;
    Ok(Success(StandingReply { valid }))
}

/// Has WeChat replace the session's key.
///
/// # Errors
/// `session_key_stale` if only a login gives another; else what WeChat and the store said.
#[utoipa::path(
    post,
    path = "/session/key/reset",
    responses((status = 200, body = Envelope<Nothing>)),
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn reset(
    live: CurrentSession,
    keys: web::Data<SessionKeys>,
) -> Result<impl Responder, ApiError> {
    let keys = keys.into_inner();
    keys.reset(live, Timestamp::now()).await?;
    Ok(Success(Nothing {}))
}
