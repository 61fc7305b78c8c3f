//! Closes connections while the process shuts down, so that clients send their next request to another process.

use std::rc::Rc;

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::web;

use crate::readiness::Readiness;

/// Adds `Connection: close` to every response while the process drains, including error responses.
///
/// For `wrap_fn`, which does not box the future. Without a shutdown the cost is one atomic load per request.
///
/// # Errors
/// Returns the errors of the inner service.
pub fn close_connections<S, B>(
    request: ServiceRequest,
    inner: &S,
    readiness: Rc<web::Data<Readiness>>,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let response = inner.call(request);
    async move {
        let mut response = response.await?;
        if readiness.is_draining() {
            let head = response.response_mut().head_mut();
            head.set_connection_type(ConnectionType::Close);
        }
        Ok(response)
    }
}
