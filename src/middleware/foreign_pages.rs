//! The guard of a server that logs in everyone: rejects requests of foreign web pages while WeChat is simulated.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use wechat_simulator::Guard;

use crate::error::{ApiError, ErrorCode};
use crate::middleware::cors;
use crate::settings;

/// Returns the guard of the settings. The pages of `cors_origins` are no foreign ones.
pub fn guard(server: &settings::Server) -> Guard {
    let allowed = server.allowed_hosts.iter().map(String::as_str);
    Guard::new(allowed.chain(cors::hosts(&server.cors_origins)))
}

/// Passes on a request of this machine, of a mini program or of an allowed name, and rejects any other before its body is
/// read.
///
/// # Errors
/// Returns the errors of the inner service. A rejection is a response, so that the outer middleware sees it.
pub async fn reject(
    guard: Guard,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    match guard.check(headers) {
        Ok(()) => next
            .call(request)
            .await
            .map(ServiceResponse::map_into_left_body),
        Err(foreign) => {
            let error = ApiError::from(ErrorCode::ForeignRequest).with_cause(foreign);
            Ok(request.error_response(error).map_into_right_body())
        }
    }
}
