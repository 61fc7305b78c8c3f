//! The guard of the console's data: for pages of this server, on this machine or with the key that the server printed.

use std::fmt;
use std::net::IpAddr;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, VIA};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, web};
use wechat_simulator::Guard;

use crate::console::ConsoleKey;
use crate::error::{ApiError, ErrorCode};
use crate::middleware::admin_key::Operator;

/// The header that each request for data has: with the key, or empty on this machine. A page of another origin cannot send it
/// without permission.
const HEADER: HeaderName = HeaderName::from_static("x-console-key");

/// Headers that a proxy adds. The peer of such a request is the proxy and not the page.
const PROXY: [HeaderName; 5] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// The conditions under which the console's data is sent.
#[derive(Clone)]
pub struct ConsoleAccess {
    key: ConsoleKey,
    guard: Guard,
}

/// The reason why a request is that of another page.
#[derive(Debug, thiserror::Error)]
enum Foreign {
    #[error("{0}")]
    Headers(wechat_simulator::Foreign),
    #[error("its Origin is not this server")]
    Origin,
    #[error("its Sec-Fetch-Site is not same-origin")]
    Site,
}

impl ConsoleAccess {
    /// Takes the key and the host names at which the server is reached.
    pub fn new(key: ConsoleKey, guard: Guard) -> Self {
        Self { key, guard }
    }

    fn check(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let headers = request.headers();
        self.check_origin(headers)
            .map_err(|foreign| ApiError::from(ErrorCode::ForeignRequest).with_cause(foreign))?;
        let presented = headers.get(HEADER);
        let admits = |key: &HeaderValue| is_local(request) || self.key.is(key.as_bytes());
        if presented.is_some_and(admits) {
            return Ok(());
        }
        Err(ErrorCode::ConsoleKeyRequired.into())
    }

    /// The page and its data have one origin, so a request of any other page is rejected, even of one on this machine.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Foreign> {
        let pairs = headers.iter();
        let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_bytes()));
        self.guard.check(pairs).map_err(Foreign::Headers)?;
        let host = headers.get(HOST).map(HeaderValue::as_bytes);
        let is_own = |origin: &HeaderValue| {
            let origin = origin.as_bytes();
            let schemes = [&b"http://"[..], b"https://"].into_iter();
            let mut authority = schemes.filter_map(|scheme| origin.strip_prefix(scheme));
            let authority = authority.next();
            host.is_some_and(|host| authority.is_some_and(|own| own.eq_ignore_ascii_case(host)))
        };
        if !headers.get_all(ORIGIN).all(is_own) {
            return Err(Foreign::Origin);
        }
        let mut sites = headers.get_all("sec-fetch-site");
        if !sites.all(|site| site == "same-origin" || site == "none") {
            return Err(Foreign::Site);
        }
        Ok(())
    }
}

impl fmt::Debug for ConsoleAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleAccess").finish_non_exhaustive()
    }
}

/// Returns `true` if the request comes from this machine, and from no proxy on it.
fn is_local(request: &HttpRequest) -> bool {
    let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    let is_forwarded = PROXY
        .iter()
        .any(|name| request.headers().contains_key(name));
    let peer = request.peer_addr();
    peer.is_some_and(|peer| is_loopback(peer.ip())) && !is_forwarded
}

/// Passes on a request of the console's page, and rejects any other.
///
/// # Errors
/// Returns the errors of the inner service. A rejection is a response, so that the outer middleware sees it.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    let access = request.app_data::<web::Data<ConsoleAccess>>();
    let missing =
        || ApiError::from(ErrorCode::Internal).with_cause("the app has no `ConsoleAccess`");
    match access
        .ok_or_else(missing)
        .and_then(|access| access.check(request.request()))
    {
        Ok(()) => {
            let operator = Operator::of_console(request.request());
            request.extensions_mut().insert(operator);
            let response = next.call(request).await;
            response.map(ServiceResponse::map_into_left_body)
        }
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    }
}
