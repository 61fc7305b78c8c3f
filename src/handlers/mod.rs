//! One file per URL: JSON in, JSON out. Parse, call, reply.
//!
//! Knows the members of requests and replies, and the extractors that bring them.
//! Never knows SQL, WeChat's error numbers, or another handler.

pub mod auth;
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
use jiff::fmt::temporal::DateTimePrinter;
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
fn rfc3339(time: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let mut text = String::with_capacity("2026-11-24T19:16:05.123Z".len());
    // Writing into a String cannot fail.
    PRINTER
        .print_timestamp(&time, &mut text)
        .unwrap_or_default();
    text
}
