//! A name for each request, and the last look at each refusal: its reply gets the name, the log gets its cause.
//!
//! Knows the envelope of refusals and the header `x-request-id`.
//! Never knows which URL was asked or what went wrong there.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use log::Level;

use crate::error::{ApiError, JSON};
use crate::identity::Hex;

/// The header that bears the name, in requests and replies.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name that is taken over from a proxy. Our choice.
const MAX_LENGTH: usize = 64;

/// A request's name: 16 random hexadecimal digits, or what a proxy in front called it.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

/// Where a worker takes new names from: the operating system's random numbers, many at a time, because each system call
/// costs a request as much as its log line does.
#[derive(Debug, Clone, Default)]
pub struct Names(Rc<RefCell<Vec<u64>>>);

/// How many numbers are fetched at a time. Our choice: a page of memory.
const NUMBERS: usize = 512;

impl Names {
    fn new_name(&self) -> HeaderValue {
        let mut numbers = self.0.borrow_mut();
        if numbers.is_empty() {
            let mut bytes = [0; NUMBERS * 8];
            // A request is served without randomness too; its name is then not unique.
            getrandom::fill(&mut bytes).unwrap_or_default();
            let (chunks, _none) = bytes.as_chunks();
            numbers.extend(chunks.iter().map(|chunk| u64::from_ne_bytes(*chunk)));
        }
        let number = numbers.pop().unwrap_or_default();
        let name = Hex::of(u128::from(number).to_be_bytes());
        let digits = name.as_str().get(16..).unwrap_or_default();
        HeaderValue::from_str(digits).unwrap_or_else(|_never| HeaderValue::from_static("0"))
    }
}

impl RequestId {
    /// The name that a proxy gave, if it is short and plain; else a new one.
    fn of(headers: &HeaderMap, names: &Names) -> Self {
        let given = headers
            .get(HEADER)
            .filter(|value| is_plain(value.as_bytes()));
        Self(given.cloned().unwrap_or_else(|| names.new_name()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_plain(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=MAX_LENGTH).contains(&name.len()) && name.iter().all(plain)
}

/// Names the request, and finishes refusals: brings them into the one shape, adds the name, logs the cause once.
///
/// For `wrap_fn`, which needs no box for the future.
///
/// # Errors
/// Those of the services inside, which give none: they refuse with replies.
pub fn name<S, B>(
    names: &Names,
    request: ServiceRequest,
    inside: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let id = RequestId::of(request.headers(), names);
    request.extensions_mut().insert(id.clone());
    let answer = inside.call(request);
    async move { Ok(finished(answer.await?, id)) }
}

fn finished<B>(response: ServiceResponse<B>, id: RequestId) -> ServiceResponse<EitherBody<B>> {
    let body = refused_with(&response, &id);
    let mut response = match body {
        Some(body) => {
            let body = EitherBody::right(BoxBody::new(body));
            let mut response = response.map_body(|_head, _nameless| body);
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            response
        }
        None => response.map_into_left_body(),
    };
    response.headers_mut().insert(HEADER, id.0);
    response
}

/// The body of a refusal; `None` for any other reply. An error that is not ours, such as one of actix's own extractors,
/// keeps its status and gets our shape.
fn refused_with<B>(response: &ServiceResponse<B>, id: &RequestId) -> Option<String> {
    let error = response.response().error()?;
    if let Some(refusal) = error.as_error::<ApiError>() {
        report(refusal, id);
        return Some(refusal.body(Some(id.as_str())));
    }
    let refusal = ApiError::foreign(response.status()).because(error.to_string());
    report(&refusal, id);
    Some(refusal.body(Some(id.as_str())))
}

/// Logs why, once, where the reply leaves. What a client can mend by itself is for debugging only.
fn report(refusal: &ApiError, id: &RequestId) {
    let status = refusal.status_code();
    let level = match () {
        () if status.is_server_error() => Level::Error,
        () if refusal.is_from_wechat() => Level::Warn,
        () => Level::Debug,
    };
    log::log!(
        level,
        request_id = id.as_str(), status = status.as_u16(), errcode = refusal.errcode();
        "{} {refusal} (request {id})", status.as_u16()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_name_is_taken_over_if_it_is_plain() {
        let id_for = |given: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(given).unwrap());
            RequestId::of(&headers, &Names::default()).to_string()
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
    fn names_differ() {
        let names = Names::default();
        let mut taken: Vec<_> = (0..2 * NUMBERS).map(|_| names.new_name()).collect();
        taken.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        taken.dedup();
        assert_eq!(taken.len(), 2 * NUMBERS);
    }
}
