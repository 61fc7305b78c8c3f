//! Turns a panic in a handler, and an error of a middleware around it, into an error response.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use futures_util::FutureExt as _;

use crate::error::{ApiError, ErrorCode};

/// Responds with 500 if the inner handler panics. An error of a middleware becomes its response, so that the middleware
/// outside of this one sees no errors. For `wrap_fn`, which does not box the future.
///
/// Wrap a resource, not the app: this keeps a clone of the request, and the app's router requires that there is no clone.
///
/// # Errors
/// None.
pub fn catch<S, B>(
    request: ServiceRequest,
    inner: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let kept = request.request().clone();
    // A panic leaves no shared state half updated: the parts that handlers share hold none between awaits.
    let response = catch_unwind(AssertUnwindSafe(|| inner.call(request)));
    async move {
        let outcome = match response {
            Ok(response) => AssertUnwindSafe(response).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        match outcome {
            Ok(Ok(response)) => Ok(response.map_into_left_body()),
            Ok(Err(error)) => Ok(ServiceResponse::from_err(error, kept).map_into_right_body()),
            Err(panic) => {
                let cause = format!("a handler panicked: {}", message(panic.as_ref()));
                let error = ApiError::from(ErrorCode::Internal).with_cause(cause);
                Ok(ServiceResponse::from_err(error, kept).map_into_right_body())
            }
        }
    }
}

/// Returns the message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
