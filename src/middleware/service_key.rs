//! The guard for other services: requires a service key.

use std::fmt;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::error::{ApiError, ErrorCode};
use crate::identity::ServiceKey;
use crate::middleware::session::bearer;

/// The accepted keys, as digests. All have one length, so that a comparison takes the same time for every key.
#[derive(Clone)]
pub struct ServiceKeys(Vec<[u8; 32]>);

impl ServiceKeys {
    /// Takes the keys. Without any, every request is rejected.
    pub fn new(keys: &[ServiceKey]) -> Self {
        let digest = |key: &ServiceKey| Sha256::digest(key.expose()).into();
        Self(keys.iter().map(digest).collect())
    }

    /// Returns `true` for an accepted key. Compares with all keys, so that the time does not depend on the match.
    fn accept(&self, presented: &str) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        let compare = |found: Choice, key: &[u8; 32]| found | key.ct_eq(&presented);
        self.0.iter().fold(Choice::from(0), compare).into()
    }
}

impl fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceKeys({})", self.0.len())
    }
}

/// Passes on a request with a service key, and rejects any other before its body is read.
///
/// # Errors
/// Returns the errors of the inner service. A rejection is a response, so that the outer middleware sees it.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    match check(&request) {
        Ok(()) => next
            .call(request)
            .await
            .map(ServiceResponse::map_into_left_body),
        Err(code) => Ok(request
            .error_response(ApiError::from(code))
            .map_into_right_body()),
    }
}

fn check(request: &ServiceRequest) -> Result<(), ErrorCode> {
    let keys = request.app_data::<web::Data<ServiceKeys>>();
    let keys = keys.filter(|keys| !keys.0.is_empty());
    let keys = keys.ok_or(ErrorCode::IntrospectionOff)?;
    let presented = presented(request.request()).ok_or(ErrorCode::ServiceKeyRequired)?;
    if keys.accept(&presented) {
        Ok(())
    } else {
        Err(ErrorCode::ServiceKeyRequired)
    }
}

/// Returns the key of a request: a bearer token, or the password of a client of any name (RFC 6749, 2.3.1). Keys have no
/// character that needs to be escaped there.
fn presented(request: &HttpRequest) -> Option<Zeroizing<String>> {
    if let Some(key) = bearer(request) {
        return Some(Zeroizing::new(key.to_owned()));
    }
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = Zeroizing::new(STANDARD.decode(credentials.trim()).ok()?);
    let (_name, key) = std::str::from_utf8(&credentials).ok()?.split_once(':')?;
    Some(Zeroizing::new(key.to_owned()))
}
