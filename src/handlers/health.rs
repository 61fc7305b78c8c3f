//! `GET /livez` and `GET /readyz`: for who watches over the process.
//!
//! Never knows what makes the process ready.

use actix_web::{Responder, web};

use crate::error::ApiError;
use crate::handlers::{Envelope, Nothing, Success};
use crate::readiness::Readiness;

/// Answers as long as the process does.
#[utoipa::path(
    get,
    path = "/livez",
    responses((status = 200, body = Envelope<Nothing>)),
)]
pub async fn live() -> impl Responder {
    Success(Nothing {})
}

/// Answers 200 if requests are welcome, else 503.
///
/// # Errors
/// `draining` on the way out; `store_unavailable` if the store fails, or has not answered for 2 seconds.
#[utoipa::path(
    get,
    path = "/readyz",
    responses((status = 200, body = Envelope<Nothing>)),
)]
pub async fn ready(readiness: web::Data<Readiness>) -> Result<impl Responder, ApiError> {
    readiness.check().await?;
    Ok(Success(Nothing {}))
}
