//! On the way out every answer closes its connection, so that its client's next request goes to another process.
//!
//! Knows `Connection: close`. Never knows which URL was asked, or when the process ends.

use std::rc::Rc;

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::web;

use crate::readiness::Readiness;

/// Adds `Connection: close` to what leaves while the process is on its way out, refusals too.
///
/// For `wrap_fn`, which needs no box for the future: until then a request costs one load.
///
/// # Errors
/// Those of the services inside.
pub fn close<S, B>(
    request: ServiceRequest,
    inside: &S,
    readiness: Rc<web::Data<Readiness>>,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let answer = inside.call(request);
    async move {
        let mut answer = answer.await?;
        if readiness.is_draining() {
            let head = answer.response_mut().head_mut();
            head.set_connection_type(ConnectionType::Close);
        }
        Ok(answer)
    }
}
