//! Gives each request an id, and finishes error responses: adds the id to the body and logs the cause.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, VARY, WWW_AUTHENTICATE,
};
use actix_web::{Error, HttpMessage as _, HttpRequest, ResponseError as _};
use log::Level;

use crate::error::{ApiError, ErrorCode, JSON};
use crate::language::Language;
use crate::middleware::json::ClientDisconnected;
use crate::middleware::language;
use crate::middleware::request_metrics::Pattern;
use crate::telemetry::REJECTED;

/// The header of the id, in requests and responses.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum length of an id that a proxy sends. Our choice.
const MAX_LENGTH: usize = 64;

/// The id of a request: 16 random hexadecimal digits, or the id that a proxy sent.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

/// A worker's source of new ids. It reads random numbers of the operating system in batches, because a system call per
/// request would cost as much as its log line.
#[derive(Debug, Clone, Default)]
pub struct RequestIds(Rc<RefCell<Vec<u64>>>);

/// Number of ids per batch. Our choice: a page of memory.
const NUMBERS: usize = 512;

impl RequestIds {
    fn next(&self) -> HeaderValue {
        let mut numbers = self.0.borrow_mut();
        if numbers.is_empty() {
            let mut bytes = [0; NUMBERS * 8];
            // Without randomness the request is served all the same; its id is then not unique.
            getrandom::fill(&mut bytes).unwrap_or_default();
            let (chunks, _none) = bytes.as_chunks();
            numbers.extend(chunks.iter().map(|chunk| u64::from_ne_bytes(*chunk)));
        }
        let number = numbers.pop().unwrap_or_default();
        let mut digits = [0; 16];
        let digits = base16ct::lower::encode_str(&number.to_be_bytes(), &mut digits);
        HeaderValue::from_str(digits.unwrap_or_default())
            .unwrap_or_else(|_never| HeaderValue::from_static("0"))
    }
}

impl RequestId {
    /// Returns the id that a proxy sent, if it is short and plain; otherwise a new one.
    fn of(headers: &HeaderMap, ids: &RequestIds) -> Self {
        let given = headers
            .get(HEADER)
            .filter(|value| is_plain(value.as_bytes()));
        Self(given.cloned().unwrap_or_else(|| ids.next()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_plain(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=MAX_LENGTH).contains(&id.len()) && id.iter().all(plain)
}

/// Assigns the id, and finishes error responses: unifies their shape, adds the id and, to a 401, the challenge, and logs
/// the cause once.
///
/// For `wrap_fn`, which does not box the future.
///
/// # Errors
/// Returns the errors of the inner service. Ours has none: it converts errors to responses.
pub fn assign<S, B>(
    ids: &RequestIds,
    request: ServiceRequest,
    inner: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let id = RequestId::of(request.headers(), ids);
    request.extensions_mut().insert(id.clone());
    let response = inner.call(request);
    async move { Ok(finish(response.await?, id)) }
}

fn finish<B>(response: ServiceResponse<B>, id: RequestId) -> ServiceResponse<EitherBody<B>> {
    let body = error_body(&response, &id);
    let mut response = match body {
        Some((body, language)) => {
            let body = EitherBody::right(BoxBody::new(body));
            let mut response = response.map_body(|_head, _without_id| body);
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
            // Appended, because CORS has a `Vary` too.
            headers.append(VARY, HeaderValue::from_static("accept-language"));
            response
        }
        None => response.map_into_left_body(),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static(challenge(&response));
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response.headers_mut().insert(HEADER, id.0);
    response
}

/// Returns the challenge of a 401 (RFC 9110, 15.5.2), with an error if the request has a token or key that is not accepted
/// (RFC 6750, 3.1). A rejected login code is neither.
fn challenge<B>(response: &ServiceResponse<B>) -> &'static str {
    let error = response.response().error();
    let code = error.and_then(|error| error.as_error().map(ApiError::code));
    let is_credential = matches!(
        code,
        Some(
            ErrorCode::SessionRequired
                | ErrorCode::ServiceKeyRequired
                | ErrorCode::AdminKeyRequired
        )
    );
    if is_credential && response.request().headers().contains_key(AUTHORIZATION) {
        concat!(
            "Bearer realm=\"",
            env!("CARGO_PKG_NAME"),
            "\", error=\"invalid_token\""
        )
    } else {
        concat!("Bearer realm=\"", env!("CARGO_PKG_NAME"), "\"")
    }
}

/// Logs an error response and returns its body and its language; `None` for other responses. A foreign error, such as one of actix's
/// extractors, keeps its status and gets our shape. The response of a handler that has a status of an error but no error
/// keeps its body.
fn error_body<B>(response: &ServiceResponse<B>, id: &RequestId) -> Option<(String, Language)> {
    let status = response.status();
    let Some(error) = response.response().error() else {
        if status.is_client_error() || status.is_server_error() {
            log_rejection(&ApiError::from_status(status), response.request(), id);
        }
        return None;
    };
    let foreign;
    let error = if let Some(error) = error.as_error::<ApiError>() {
        error
    } else {
        foreign = ApiError::from_status(status).with_cause(error.to_string());
        &foreign
    };
    log_rejection(error, response.request(), id);
    let language = error.language(language::preferred(response.request()));
    Some((error.body(language, Some(id.as_str())), language))
}

/// Logs a rejected request with its cause, so that its id finds the cause at the default level. A request whose client has
/// disconnected got no response, and its line is for debugging.
fn log_rejection(error: &ApiError, request: &HttpRequest, id: &RequestId) {
    let status = error.status_code();
    let level = match () {
        () if status.is_server_error() => Level::Error,
        // The client cannot see the cause, so the operator must.
        () if error.errcode().is_some() || is_for_operator(error.code()) => Level::Warn,
        () if request.extensions().contains::<ClientDisconnected>() => Level::Debug,
        () => Level::Info,
    };
    let (method, route) = (request.method(), request.app_data::<Pattern>());
    let route = route.map_or("no route", |pattern| pattern.0);
    log::log!(
        target: REJECTED,
        level,
        request_id = id.as_str(), status = status.as_u16(), error = error.name(), errcode = error.errcode();
        "{} {error} ({method} {route}, request {id})", status.as_u16()
    );
}

fn is_for_operator(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::SessionKeyStale | ErrorCode::AppUnknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_of_a_proxy_is_kept() {
        let id_for = |given: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(given).unwrap());
            RequestId::of(&headers, &RequestIds::default()).to_string()
        };
        assert_eq!(id_for(b"a1B2-c3_d.4"), "a1B2-c3_d.4");
        for strange in [&b""[..], b"a b", b"a\"b", b"\xff", &[b'a'; 65]] {
            let id = id_for(strange);
            assert!(
                id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{id}"
            );
        }
    }

    #[test]
    fn ids_differ() {
        let ids = RequestIds::default();
        let mut taken: Vec<_> = (0..2 * NUMBERS).map(|_| ids.next()).collect();
        taken.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        taken.dedup();
        assert_eq!(taken.len(), 2 * NUMBERS);
    }
}
