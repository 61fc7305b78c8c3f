//! What a client says about itself beside the body: which mini program and device it is, and which of its logins this is.
//!
//! Knows the headers. Never knows which mini programs are served, or what a login does with any of it.

mod device;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{REFERER, USER_AGENT};
use actix_web::{FromRequest, HttpRequest};

use crate::error::{ApiError, ErrorCode, Refuses};
use crate::login::IdempotencyKey;
use crate::middleware::session::bearer;
use crate::platforms::wechat::Referer;
use crate::session::{Device, Token};

/// What the headers of a login say.
pub struct Client {
    /// What it runs on.
    pub device: Device,
    /// What the Referer says that WeChat sets, and a mini program cannot change.
    pub referer: Option<Referer>,
    /// The token of the session before, live or not. One that cannot be a token counts as none.
    pub token: Option<Token>,
    /// What tells this login from the next one and makes it the same as its repetition.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl FromRequest for Client {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(idempotency_key(request).map(|idempotency_key| {
            Self {
                device: text_of(request, USER_AGENT.as_str())
                    .map_or_else(Device::unknown, |agent| device::describe(&agent)),
                referer: text_of(request, REFERER.as_str())
                    .and_then(|referer| Referer::parse(&referer)),
                token: bearer(request).and_then(Token::parse),
                idempotency_key,
            }
        }))
    }
}

impl Refuses for Client {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::IdempotencyKeyMalformed]
    }
}

fn text_of(request: &HttpRequest, name: &str) -> Option<String> {
    let value = request.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The key; two of them are one too many.
fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut values = request.headers().get_all("idempotency-key");
    let malformed = || ApiError::from(ErrorCode::IdempotencyKeyMalformed);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => IdempotencyKey::parse(value.as_bytes())
            .map(Some)
            .map_err(|error| malformed().because(error)),
        (Some(_), Some(_)) => Err(malformed().because("there are several")),
    }
}
