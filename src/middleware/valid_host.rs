//! Rejects requests whose `Host` is no host. A proxy and a backend that read such a header differently disagree about the site.

use std::future::{Ready, ready};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::HOST;
use futures_util::TryFutureExt as _;
use futures_util::future::Either;

use crate::error::{ApiError, ErrorCode};

/// The `Host` of a request is no host.
#[derive(Debug, thiserror::Error)]
#[error("its Host is not a host and an optional port")]
struct InvalidHost;

/// Passes on a request with a valid `Host` or without one, which HTTP/1.0 allows.
///
/// For `wrap_fn`, which does not box the future.
///
/// # Errors
/// Returns the errors of the inner service. A rejection is a response, so that the outer middleware sees it.
pub fn require<S, B>(
    request: ServiceRequest,
    inner: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    let host = request.headers().get(HOST);
    if host.is_none_or(|host| is_authority(host.as_bytes())) {
        let response = inner.call(request);
        return Either::Left(response.map_ok(ServiceResponse::map_into_left_body));
    }
    let error = ApiError::from(ErrorCode::BadRequest).with_cause(InvalidHost);
    let response = request.error_response(error).map_into_right_body();
    Either::Right(rejected(response))
}

fn rejected<B>(
    response: ServiceResponse<EitherBody<B>>,
) -> Ready<Result<ServiceResponse<EitherBody<B>>, Error>> {
    ready(Ok(response))
}

/// Returns `true` for a host with an optional port (RFC 3986, section 3.2), and for an empty value (RFC 9112, section 3.2).
fn is_authority(value: &[u8]) -> bool {
    let (host, port) = match value.strip_prefix(b"[") {
        Some(rest) => match rest.iter().position(|byte| *byte == b']') {
            Some(end) => match rest.split_at_checked(end) {
                Some((address, port)) if is_address(address) => (&b""[..], port.get(1..)),
                _ => return false,
            },
            None => return false,
        },
        None => match value.iter().position(|byte| *byte == b':') {
            Some(colon) => (value.get(..colon).unwrap_or_default(), value.get(colon..)),
            None => (value, None),
        },
    };
    let port = port.unwrap_or_default();
    let digits = port.strip_prefix(b":").unwrap_or_default();
    let is_port =
        port.is_empty() || port.starts_with(b":") && digits.iter().all(u8::is_ascii_digit);
    is_port && digits.len() <= 5 && host.iter().all(|byte| is_of_name(*byte))
}

fn is_address(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
        && bytes.contains(&b':')
}

/// Returns `true` for the characters of a name: unreserved ones, subdelimiters, and `%` of an escape.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_with_an_optional_port_is_valid() {
        for host in [
            "",
            "localhost",
            "localhost:3000",
            "localhost:",
            "api.example.com:443",
            "my_service",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::1]:3000",
            "xn--fiqs8s.example",
        ] {
            assert!(is_authority(host.as_bytes()), "{host}");
        }
        for text in [
            "a b",
            "a/b",
            "user@host",
            "http://localhost",
            "localhost:80:80",
            "localhost:port",
            "localhost:123456",
            "[::1",
            "[]",
            "[::1]x",
            "::1",
            "<script>",
            "例子.example",
            "a?b",
            "a#b",
            "a\\b",
            "a\"b",
        ] {
            assert!(!is_authority(text.as_bytes()), "{text}");
        }
    }
}
