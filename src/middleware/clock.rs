//! Extracts the time of a request.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use jiff::Timestamp;

/// The time at which the handler was called. The layers below take the time as an argument.
#[derive(Debug, Clone, Copy)]
pub struct RequestTime(pub Timestamp);

impl FromRequest for RequestTime {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the request arrives"
    )]
    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(Timestamp::now())))
    }
}
