//! The guard for other services: whoever shows a service key may come in.
//!
//! Knows how a key travels, and compares it in a time that does not depend on it.
//! Never knows which URLs it guards, or what may be asked there.

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

use crate::error::{ApiError, ErrorCode, Refuses};
use crate::identity::ServiceKey;
use crate::middleware::session::bearer;

/// The keys that open, as digests: all of one length, so that comparing tells nothing of a key's.
#[derive(Clone)]
pub struct ServiceKeys(Vec<[u8; 32]>);

impl ServiceKeys {
    /// Takes the keys; none open nothing.
    pub fn new(keys: &[ServiceKey]) -> Self {
        let digest = |key: &ServiceKey| Sha256::digest(key.expose()).into();
        Self(keys.iter().map(digest).collect())
    }

    /// Whether this is one of the keys. Looks at all of them, whatever it finds.
    fn open_for(&self, shown: &str) -> bool {
        let shown: [u8; 32] = Sha256::digest(shown).into();
        let compare = |found: Choice, key: &[u8; 32]| found | key.ct_eq(&shown);
        self.0.iter().fold(Choice::from(0), compare).into()
    }
}

impl Refuses for ServiceKeys {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::IntrospectionOff, ErrorCode::ServiceKeyRequired]
    }
}

impl fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceKeys({})", self.0.len())
    }
}

/// Lets a request through that shows a service key, and refuses any other before its body is read.
///
/// # Errors
/// None of its own: a refusal is a reply, so that the middleware outside sees it.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    match judge(&request) {
        Ok(()) => next
            .call(request)
            .await
            .map(ServiceResponse::map_into_left_body),
        Err(code) => Ok(request
            .error_response(ApiError::from(code))
            .map_into_right_body()),
    }
}

fn judge(request: &ServiceRequest) -> Result<(), ErrorCode> {
    let keys = request.app_data::<web::Data<ServiceKeys>>();
    let keys = keys.filter(|keys| !keys.0.is_empty());
    let keys = keys.ok_or(ErrorCode::IntrospectionOff)?;
    let shown = shown(request.request()).ok_or(ErrorCode::ServiceKeyRequired)?;
    if keys.open_for(&shown) {
        Ok(())
    } else {
        Err(ErrorCode::ServiceKeyRequired)
    }
}

/// The key that a request shows: as a bearer token, or as the password of a client of any name (RFC 6749, 2.3.1). Keys have
/// no letter that the latter would have to be escaped.
fn shown(request: &HttpRequest) -> Option<Zeroizing<String>> {
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
