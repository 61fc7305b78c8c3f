//! `GET /livez` and `GET /readyz`: health checks.

use actix_web::{Responder, web};

use crate::error::ApiError;
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::middleware::clock::RequestTime;
use crate::readiness::Readiness;

/// Responds with 200 while the process runs.
#[utoipa::path(
    get,
    path = "/livez",
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn livez() -> impl Responder {
    Success(EmptyData {})
}

/// Responds with 200 if the server accepts requests, otherwise 503.
///
/// # Errors
/// `draining` during a shutdown; `store_unavailable` if the store fails or does not respond within 2 seconds.
#[utoipa::path(
    get,
    path = "/readyz",
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn readyz(
    readiness: web::Data<Readiness>,
    RequestTime(now): RequestTime,
) -> Result<impl Responder, ApiError> {
    readiness.check(now).await?;
    Ok(Success(EmptyData {}))
}
