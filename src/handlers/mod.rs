//! One file per URL: JSON in, JSON out. Parse, call, reply.
//!
//! Knows the members of requests and replies, and the extractors that bring them.
//! Never knows SQL, WeChat's error numbers, or another handler.

pub mod encrypted;
pub mod health;
pub mod login;
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

/// The reply of a handler that did what was asked: `{"code":0,"message":"success!","data":…}`.
///
/// Never cached: most bear a token or a user.
#[derive(Debug)]
pub struct Success<T>(pub T);

#[derive(Serialize)]
struct Envelope<T> {
    code: u8,
    message: &'static str,
    data: T,
}

impl<T: Serialize> Responder for Success<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type(crate::error::JSON)
            .json(Envelope {
                code: 0,
                message: "success!",
                data: self.0,
            })
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
