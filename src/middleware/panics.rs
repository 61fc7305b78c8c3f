//! A panic in a handler becomes a reply, and the server lives on.
//!
//! Knows how to catch one. Never knows which handler it was.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use futures_util::FutureExt as _;

use crate::error::{ApiError, ErrorCode};

/// Answers 500 where the handler inside panics. For `wrap_fn`, which needs no box for the future.
///
/// Goes around a resource, not around the app: it keeps the request, which the app's router must have for itself.
///
/// # Errors
/// Those of the services inside.
pub fn catch<S, B>(
    request: ServiceRequest,
    inside: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let kept = request.request().clone();
    // What a panicking handler leaves half done is its own: the parts that handlers share have no state between awaits.
    let answer = catch_unwind(AssertUnwindSafe(|| inside.call(request)));
    async move {
        let outcome = match answer {
            Ok(answer) => AssertUnwindSafe(answer).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        match outcome {
            Ok(response) => response.map(ServiceResponse::map_into_left_body),
            Err(panic) => {
                let cause = format!("a handler panicked: {}", message(panic.as_ref()));
                let refusal = ApiError::from(ErrorCode::Internal).because(cause);
                Ok(ServiceResponse::from_err(refusal, kept).map_into_right_body())
            }
        }
    }
}

/// What the handler said when it panicked.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
