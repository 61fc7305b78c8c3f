//! Records every request by route pattern, method and status, and every login by outcome.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use prometheus::Histogram;

use crate::error::ApiError;
use crate::metrics::{Metrics, errcode_label};
use crate::middleware::json::ClientDisconnected;

/// The pattern under which a route's requests are recorded, such as `/sessions/{id}`. It belongs in the route's `app_data`:
/// `web::resource("/notes").app_data(Pattern("/notes"))`.
#[derive(Debug, Clone, Copy)]
pub struct Pattern(pub &'static str);

/// The route label of requests that matched no route, or one without a [`Pattern`].
const NO_ROUTE: &str = "none";

/// Records one worker's requests.
#[derive(Debug, Clone)]
pub struct RequestMetrics(Option<Rc<Worker>>);

/// A worker's cache of histograms, so that recording takes no lock and allocates nothing.
struct Worker {
    metrics: Arc<Metrics>,
    histograms: RefCell<Vec<(Labels, Histogram)>>,
}

/// Labels of a request. The field that differs most comes first, because comparing starts there.
#[derive(Clone, Copy, PartialEq)]
struct Labels {
    status: StatusCode,
    method: &'static str,
    route: &'static str,
}

impl RequestMetrics {
    /// Records into these metrics; without any, does nothing.
    pub fn new(metrics: Option<Arc<Metrics>>) -> Self {
        Self(metrics.map(|metrics| {
            Rc::new(Worker {
                metrics,
                histograms: RefCell::default(),
            })
        }))
    }

    /// Calls the service and records the request when the response head is ready. Must be the outermost middleware:
    ///
    /// `App::new()….wrap_fn(move |request, next| metrics.record(request, next))`
    ///
    /// A request whose client disconnects first counts as abandoned instead.
    ///
    /// # Errors
    /// Those of the wrapped service.
    pub fn record<S, B>(
        &self,
        request: ServiceRequest,
        next: &S,
    ) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    {
        let pending = self.0.clone().map(|worker| Pending {
            worker,
            method: method(request.method()),
            arrived: Instant::now(),
            answered: false,
        });
        let response = next.call(request);
        async move {
            let response = response.await;
            if let Some(pending) = pending {
                pending.record(&response);
            }
            response
        }
    }
}

impl Worker {
    fn observe(&self, labels: Labels, seconds: f64) {
        let mut histograms = self.histograms.borrow_mut();
        if let Some((_, histogram)) = histograms.iter().find(|(known, _)| *known == labels) {
            return histogram.observe(seconds);
        }
        let Labels {
            status,
            method,
            route,
        } = labels;
        let histogram = self.metrics.requests(route, method, status.as_str());
        histogram.observe(seconds);
        histograms.push((labels, histogram));
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// A request in flight. Dropping it before its response counts it as abandoned.
struct Pending {
    worker: Rc<Worker>,
    method: &'static str,
    arrived: Instant,
    answered: bool,
}

impl Pending {
    fn record<B>(mut self, response: &Result<ServiceResponse<B>, Error>) {
        let (status, route) = match response {
            Ok(response) if is_abandoned(response) => return,
            Ok(response) => (response.status(), route(response)),
            Err(error) => (error.as_response_error().status_code(), NO_ROUTE),
        };
        self.answered = true;
        let labels = Labels {
            status,
            method: self.method,
            route,
        };
        self.worker
            .observe(labels, self.arrived.elapsed().as_secs_f64());
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.answered {
            self.worker.metrics.count_abandoned();
        }
    }
}

fn route<B>(response: &ServiceResponse<B>) -> &'static str {
    let pattern = response.request().app_data::<Pattern>();
    pattern.map_or(NO_ROUTE, |pattern| pattern.0)
}

/// Returns `true` if the response rejects a body that broke off: its client never sees it.
fn is_abandoned<B>(response: &ServiceResponse<B>) -> bool {
    response.status() == StatusCode::BAD_REQUEST
        && response
            .request()
            .extensions()
            .contains::<ClientDisconnected>()
}

/// Returns the method's label. Clients can invent methods, so those outside the usual set share one label.
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

/// Counts logins by outcome. Wraps the login route. A login whose client disconnects before the response is not counted.
///
/// # Errors
/// Those of the wrapped service.
pub async fn logins(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let response = next.call(request).await?;
    if let Some(metrics) = metrics {
        let (outcome, errcode) = login_labels(&response);
        metrics.count_login(outcome, &errcode);
    }
    Ok(response)
}

fn login_labels<B>(response: &ServiceResponse<B>) -> (&'static str, Cow<'static, str>) {
    let Some(error) = response.response().error() else {
        return ("success", Cow::Borrowed("0"));
    };
    let error = error.as_error::<ApiError>();
    let outcome = error.map_or("other", |error| error.code().name());
    let rejection = error.and_then(ApiError::rejection);
    let errcode = rejection.map(|rejection| (rejection.errcode, rejection.is_documented));
    (outcome, errcode_label(errcode))
}
