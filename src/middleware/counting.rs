//! Counts every request by what became of it.
//!
//! Knows methods, statuses, and how a route tells its pattern. Never knows which routes there are.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};

use crate::error::ApiError;
use crate::meters;
use crate::metrics::{Errcode, Login, Metrics, Request};
use crate::middleware::json::ClientGone;

/// A route's pattern, such as `/sessions/{id}`: what its requests are counted under. To be left in the route's `app_data`:
/// `web::resource("/notes").app_data(Pattern("/notes"))`.
#[derive(Debug, Clone, Copy)]
pub struct Pattern(pub &'static str);

/// What requests are counted under that found no route, or one without a [`Pattern`].
const NO_ROUTE: &str = "none";

/// Counts one worker's requests. Its clones share a pointer that no other worker touches.
#[derive(Debug, Clone)]
#[expect(
    clippy::redundant_allocation,
    reason = "each request is an owner, and an Rc counts them on this worker alone"
)]
pub struct Counting(Option<Rc<Arc<Metrics>>>);

impl Counting {
    /// Counts here; without metrics, not at all.
    pub fn new(metrics: Option<Arc<Metrics>>) -> Self {
        Self(metrics.map(Rc::new))
    }

    /// Passes the request on, and counts it when the head of its reply is ready. To be wrapped around everything else:
    ///
    /// `App::new()….wrap_fn(move |request, next| counting.count(request, next))`
    ///
    /// A request whose client goes away first is counted as abandoned instead.
    ///
    /// # Errors
    /// Those of the services inside.
    pub fn count<S, B>(
        &self,
        request: ServiceRequest,
        next: &S,
    ) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    {
        let waiting = self.0.clone().map(|metrics| Waiting {
            metrics,
            method: method(request.method()),
            arrived: Instant::now(),
            answered: false,
        });
        let reply = next.call(request);
        async move {
            let reply = reply.await;
            if let Some(waiting) = waiting {
                waiting.settle(&reply);
            }
            reply
        }
    }
}

/// A request that is not answered yet.
#[expect(
    clippy::redundant_allocation,
    reason = "each request is an owner, and an Rc counts them on this worker alone"
)]
struct Waiting {
    metrics: Rc<Arc<Metrics>>,
    method: &'static str,
    arrived: Instant,
    answered: bool,
}

impl Waiting {
    fn settle<B>(mut self, reply: &Result<ServiceResponse<B>, Error>) {
        let (status, route) = match reply {
            Ok(response) if is_gone(response) => return,
            Ok(response) => (response.status(), route(response)),
            Err(error) => (error.as_response_error().status_code(), NO_ROUTE),
        };
        self.answered = true;
        let labels = Request {
            status: status.as_u16(),
            method: self.method,
            route,
        };
        self.metrics.requests.add(labels, self.arrived.elapsed());
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.answered {
            self.metrics.abandon();
        }
    }
}

fn route<B>(response: &ServiceResponse<B>) -> &'static str {
    let pattern = response.request().app_data::<Pattern>();
    pattern.map_or(NO_ROUTE, |pattern| pattern.0)
}

/// Whether nobody was there any more to see the refusal of a body that broke off.
fn is_gone<B>(response: &ServiceResponse<B>) -> bool {
    response.status() == StatusCode::BAD_REQUEST
        && response.request().extensions().contains::<ClientGone>()
}

/// The method's label. Anybody can make up methods, so those that no route takes and no browser sends are one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

/// Counts logins by outcome. Goes around the route that logs in; a login that is given up before it is answered has none.
///
/// # Errors
/// Those of the services inside.
pub async fn logins(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let response = next.call(request).await?;
    if let Some(metrics) = metrics {
        metrics.logins.add(login(&response));
    }
    Ok(response)
}

fn login<B>(response: &ServiceResponse<B>) -> Login {
    let Some(error) = response.response().error() else {
        return Login {
            outcome: "success",
            errcode: Errcode::Known(0),
        };
    };
    let refusal = error.as_error::<ApiError>();
    Login {
        outcome: refusal.map_or("other", |refusal| refusal.code().name()),
        errcode: meters::errcode(refusal.and_then(ApiError::errcode)),
    }
}
