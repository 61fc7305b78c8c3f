//! `/simulator`: the commands of the built-in WeChat simulator, in development.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, ContentType};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use wechat_simulator::Commands;

use crate::error::{ApiError, ErrorCode};

/// Executes a command. `middleware::foreign_pages` guards it, as all paths while WeChat is simulated.
///
/// # Errors
/// `body_too_large`. The simulator's own errors are its replies.
pub async fn execute(
    commands: web::Data<Commands>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let body = body.map_err(|_too_large| ApiError::from(ErrorCode::BodyTooLarge))?;
    let (method, path, query) = (
        request.method().as_str(),
        request.path(),
        request.query_string(),
    );
    let reply = commands.execute(method, path, query, &body).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response
        .content_type(ContentType::json())
        .insert_header((CACHE_CONTROL, "no-store"));
    if let Some(allow) = reply.allow {
        response.insert_header((ALLOW, allow));
    }
    Ok(response.body(reply.body))
}
