//! One file per URL: JSON in, JSON out. Parse, call, reply.
//!
//! Knows the members of requests and replies, and the extractors that bring them.
//! Never knows SQL, WeChat's error numbers, or another handler.

pub mod auth;
pub mod console_log;
pub mod docs;
pub mod encrypted;
pub mod health;
pub mod introspection;
pub mod login;
pub mod metrics;
pub mod phone;
pub mod session;
pub mod session_key;
pub mod sessions;
pub mod user;

use actix_web::body::BoxBody;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::error::{ApiError, ErrorCode};

/// The reply of a handler that did what was asked: `{"code":0,"message":"success!","data":…}`.
///
/// Never cached: most bear a token or a user.
#[derive(Debug)]
pub struct Success<T>(pub T);

/// What a reply looks like if what was asked was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Envelope<T> {
    #[schema(schema_with = zero)]
    code: u8,
    #[schema(schema_with = success)]
    message: &'static str,
    data: T,
}

/// The reply of a handler that has nothing to tell.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}

fn zero() -> Object {
    let always = ObjectBuilder::new().schema_type(Type::Integer);
    always.enum_values(Some([json!(0)])).build()
}

fn success() -> Object {
    let always = ObjectBuilder::new().schema_type(Type::String);
    always.enum_values(Some([json!("success!")])).build()
}

/// Somewhat more than most replies have, so that they are put together in one piece of memory.
const USUAL_BYTES: usize = 384;

impl<T: Serialize> Responder for Success<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        let envelope = Envelope {
            code: 0,
            message: "success!",
            data: self.0,
        };
        match serde_json::to_writer(&mut body, &envelope) {
            Ok(()) => HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, "no-store"))
                .content_type(crate::error::JSON)
                .body(body),
            Err(error) => {
                let refusal = ApiError::from(ErrorCode::Internal).because(error.to_string());
                HttpResponse::from_error(refusal)
            }
        }
    }
}

/// A time as replies show it: in UTC, to the millisecond.
///
/// Digit by digit, because each session check shows four: jiff's printer, which can do much more, takes several times as many
/// steps. A test compares the two.
fn rfc3339(time: Timestamp) -> String {
    let time = Offset::UTC.to_datetime(time);
    let year = time.year();
    let [month, day] = [time.month(), time.day()].map(i16::from);
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i16::from);
    let milli = time.millisecond();
    let digit = |number: i16| b'0' + u8::try_from(number % 10).unwrap_or_default();
    #[rustfmt::skip]
    let text = [
        digit(year / 1000), digit(year / 100), digit(year / 10), digit(year), b'-',
        digit(month / 10), digit(month), b'-',
        digit(day / 10), digit(day), b'T',
        digit(hour / 10), digit(hour), b':',
        digit(minute / 10), digit(minute), b':',
        digit(second / 10), digit(second), b'.',
        digit(milli / 100), digit(milli / 10), digit(milli), b'Z',
    ];
    String::from_utf8(text.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::fmt::temporal::DateTimePrinter;

    use super::*;

    #[test]
    fn times_are_written_as_jiff_writes_them() {
        let printer = DateTimePrinter::new().precision(Some(3));
        // From 1970 to 9999, at steps that fall on every part of a day, a month and a second.
        for milliseconds in (0..253_402_207_200_000).step_by(97_130_271_817) {
            let time = Timestamp::from_millisecond(milliseconds).unwrap();
            assert_eq!(rfc3339(time), printer.timestamp_to_string(&time));
        }
        let last = Timestamp::from_millisecond(951_868_799_999).unwrap();
        assert_eq!(rfc3339(last), "2000-02-29T23:59:59.999Z");
    }
}
