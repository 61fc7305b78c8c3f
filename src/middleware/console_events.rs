//! Records finished requests for the console. Without an open page it costs one atomic load per request.

use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, REFERER,
};
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _};
use futures_util::future::Either;

use crate::console::{Hub, RequestEvent, Scope};
use crate::error::ApiError;
use crate::middleware::json::BodyText;
use crate::middleware::request_id::RequestId;
use crate::middleware::request_metrics::Pattern;
use crate::platforms::parse_referer;
use crate::{current_request, masking};

/// Records a request when its response is complete. Must be outside of the middleware that finishes error responses.
///
/// For `wrap_fn`, which does not box the future.
///
/// # Errors
/// Returns the errors of the inner service.
pub fn record<S, B>(
    hub: Option<&Arc<Hub>>,
    request: ServiceRequest,
    inner: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let hub = hub.filter(|hub| hub.is_watched()).map(Arc::clone);
    let pending = hub.map(|hub| Pending::new(hub, &request));
    let response = inner.call(request);
    async move {
        let response = response.await?;
        Ok(match pending {
            Some(pending) => pending.record(response),
            None => response.map_into_left_body(),
        })
    }
}

/// Handles a request as one that has its id, so that events of its calls to the platform have it too. Must be inside of the
/// middleware that assigns the id.
///
/// # Errors
/// Returns the errors of the inner service.
pub fn within<S: Service<ServiceRequest>>(
    hub: Option<&Arc<Hub>>,
    request: ServiceRequest,
    inner: &S,
) -> impl Future<Output = Result<S::Response, S::Error>> + use<S> {
    if !hub.is_some_and(|hub| hub.is_watched()) {
        return Either::Left(inner.call(request));
    }
    let id = request
        .extensions()
        .get::<RequestId>()
        .map(RequestId::as_str)
        .map(Arc::from);
    Either::Right(current_request::within(id, inner.call(request)))
}

/// A request whose response is not complete.
struct Pending {
    hub: Arc<Hub>,
    event: RequestEvent,
    arrived: Instant,
}

impl Pending {
    fn new(hub: Arc<Hub>, request: &ServiceRequest) -> Self {
        let query = request.query_string();
        let query = match query {
            "" => String::new(),
            query => format!("?{}", masking::query(query)),
        };
        let referer = text_of(request.headers(), &REFERER).and_then(parse_referer);
        let event = RequestEvent {
            method: request.method().to_string(),
            path: format!("{}{query}", request.path()),
            headers: match hub.scope() {
                Scope::All => headers(request.headers()),
                Scope::Rejections => Vec::new(),
            },
            referer_app_id: referer.map(|referer| referer.app_id.to_string()),
            ..RequestEvent::default()
        };
        Self {
            hub,
            event,
            arrived: Instant::now(),
        }
    }

    fn record<B: MessageBody + 'static>(
        mut self,
        response: ServiceResponse<B>,
    ) -> ServiceResponse<EitherBody<B>> {
        let request = response.request();
        let status = response.status();
        let is_rejected = status.is_client_error() || status.is_server_error();
        let is_in_scope = is_rejected || self.hub.scope() == Scope::All;
        if !is_in_scope || request.app_data::<Pattern>().is_some_and(is_own) {
            return response.map_into_left_body();
        }
        let event = &mut self.event;
        event.took = self.arrived.elapsed();
        event.status = status.as_u16();
        let extensions = request.extensions();
        let id = extensions.get::<RequestId>();
        event.request_id = id.map(ToString::to_string).unwrap_or_default();
        // Bodies are kept in development only.
        if let Some(BodyText(text)) = extensions.get() {
            event.body = masking::json(text.as_bytes());
        }
        drop(extensions);
        if let Some(error) = response.response().error() {
            event.cause = Some(error.to_string());
            let error = error.as_error::<ApiError>();
            event.error = error.map(ApiError::name);
            event.errcode = error.and_then(ApiError::errcode);
        }
        if self.hub.scope() == Scope::Rejections {
            self.hub.record("request", event);
            return response.map_into_left_body();
        }
        let content_type = text_of(response.headers(), &CONTENT_TYPE);
        let is_json = content_type.is_some_and(|kind| kind.starts_with("application/json"));
        let response = response.map_body(|_head, body| match body.try_into_bytes() {
            Ok(bytes) => {
                event.reply = reply(&bytes, is_json);
                EitherBody::right(BoxBody::new(bytes))
            }
            Err(streamed) => EitherBody::left(streamed),
        });
        self.hub.record("request", event);
        response
    }
}

/// Returns `true` for the routes of the console itself.
fn is_own(pattern: &Pattern) -> bool {
    pattern.0 == "/" || pattern.0.starts_with("/console/")
}

fn reply(bytes: &Bytes, is_json: bool) -> String {
    if is_json {
        return masking::json(bytes);
    }
    format!("({} bytes)", bytes.len())
}

/// Returns the headers that matter to repeat a request.
fn headers(headers: &HeaderMap) -> Vec<(&'static str, String)> {
    let key = HeaderName::from_static("idempotency-key");
    let shown = [
        ("content-type", CONTENT_TYPE),
        ("authorization", AUTHORIZATION),
        ("referer", REFERER),
        ("accept-language", ACCEPT_LANGUAGE),
        ("idempotency-key", key),
    ];
    let shown = shown.into_iter().filter_map(|(name, header)| {
        let text = text_of(headers, &header)?;
        let text = match name {
            "authorization" => credentials(text),
            "idempotency-key" => masking::MASK.to_owned(),
            // The Referer of a web page may have personal data, and selects no mini program.
            "referer" => parse_referer(text).map(|_| text.to_owned())?,
            _ => text.to_owned(),
        };
        Some((name, text))
    });
    shown.collect()
}

/// Returns the scheme and the beginning of a token.
fn credentials(text: &str) -> String {
    match text.split_once(' ') {
        Some((scheme, token)) => format!("{scheme} {}", masking::text("", token)),
        None => masking::text("", text),
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
