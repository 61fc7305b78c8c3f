//! Extracts the client of a login: address, device, mini program, previous token, idempotency key.

mod device;

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header::{REFERER, USER_AGENT};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use crate::error::{ApiError, ErrorCode};
use crate::login::IdempotencyKey;
use crate::middleware::client_address::ClientAddress;
use crate::middleware::request_id::RequestId;
use crate::middleware::session::presented;
use crate::platforms::{Referer, parse_referer};
use crate::session::{Device, Token};

/// The client of a login.
pub struct Client {
    /// The address, if limits count by it.
    pub address: Option<IpAddr>,
    /// The device, from the User-Agent.
    pub device: Device,
    /// The mini program, from the Referer. WeChat sets it, and a mini program cannot change it.
    pub referer: Option<Referer>,
    /// The token of the previous session, live or not. `None` if it is malformed.
    pub token: Option<Token>,
    /// The key by which a repeated login gets the same response.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The id of the request, for the log and for errors.
    pub request_id: String,
}

impl FromRequest for Client {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(idempotency_key(request).map(|idempotency_key| {
            Self {
                address: ClientAddress::of(request).limited(),
                device: text_of(request, USER_AGENT.as_str())
                    .map_or_else(Device::unknown, |agent| device::describe(&agent)),
                referer: text_of(request, REFERER.as_str())
                    .and_then(|referer| parse_referer(&referer)),
                token: presented(request).and_then(Token::parse),
                idempotency_key,
                request_id: request_id(request),
            }
        }))
    }
}

fn request_id(request: &HttpRequest) -> String {
    let extensions = request.extensions();
    let id = extensions.get::<RequestId>().map(RequestId::as_str);
    id.unwrap_or_default().to_owned()
}

fn text_of(request: &HttpRequest, name: &str) -> Option<String> {
    let value = request.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Returns the key. More than one is an error.
fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut values = request.headers().get_all("idempotency-key");
    let malformed = || ApiError::from(ErrorCode::IdempotencyKeyMalformed);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => IdempotencyKey::parse(value.as_bytes())
            .map(Some)
            .map_err(|error| malformed().with_cause(error)),
        (Some(_), Some(_)) => Err(malformed().with_cause("the header is repeated")),
    }
}
