//! Values of the tokens that depend on the response.

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};

use crate::format::{Color, ResponseToken};
use crate::headers;
use crate::request_tokens::push_escaped;

const HALF_A_MICROSECOND: Duration = Duration::from_nanos(500);

/// A response head.
pub(crate) struct Head<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    /// The value of the `Content-Length` header that actix adds later.
    content_length: Option<u64>,
    response_time: Duration,
}

impl<'a> Head<'a> {
    pub(crate) fn new<B: MessageBody>(
        response: &'a HttpResponse<B>,
        response_time: Duration,
    ) -> Self {
        Self {
            status: response.status(),
            headers: response.headers(),
            content_length: content_length(response.status(), response.body()),
            response_time,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Appends the escaped value of a token, or `-`.
    pub(crate) fn write(&self, token: &ResponseToken, line: &mut String) {
        match token {
            ResponseToken::Status => line.push_str(self.status.as_str()),
            ResponseToken::ResponseTime(digits) => {
                push_milliseconds(self.response_time, *digits, line);
            }
            ResponseToken::Header(name) => {
                let value = headers::joined(self.headers, name);
                match self.content_length {
                    Some(length) if *name == CONTENT_LENGTH && value.is_none() => {
                        push_number(length, line);
                    }
                    _ => push_escaped(value, line),
                }
            }
            // `Entry::format` handles these.
            ResponseToken::TotalTime(_) | ResponseToken::Date(_) => {}
        }
    }
}

fn content_length(status: StatusCode, body: &impl MessageBody) -> Option<u64> {
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
        || status.is_informational();
    match body.size() {
        BodySize::Sized(length) if !bodiless => Some(length),
        BodySize::Sized(_) | BodySize::None | BodySize::Stream => None,
    }
}

/// Appends milliseconds. Three decimal places, the usual number, avoid the cost of floating-point formatting.
pub(crate) fn push_milliseconds(duration: Duration, digits: usize, line: &mut String) {
    if digits == 3 {
        let microseconds = duration.saturating_add(HALF_A_MICROSECOND).as_micros();
        push_number(microseconds / 1000, line);
        line.push('.');
        // A leading 1 keeps the zeros, and is removed again.
        let thousands = line.len();
        push_number(1000 + microseconds % 1000, line);
        line.remove(thousands);
    } else {
        // Writing into a String cannot fail.
        write!(line, "{:.digits$}", duration.as_secs_f64() * 1000.0).unwrap_or_default();
    }
}

fn push_number(number: impl itoa::Integer, line: &mut String) {
    line.push_str(itoa::Buffer::new().format(number));
}

/// Returns the color of a status: red, yellow, cyan, green, or none.
pub(crate) fn escape_sequence(color: Color, status: Option<StatusCode>) -> &'static str {
    match (color, status.map_or(0, |status| status.as_u16())) {
        (Color::Status, 500..) => "\u{1b}[31m",
        (Color::Status, 400..) => "\u{1b}[33m",
        (Color::Status, 300..) => "\u{1b}[36m",
        (Color::Status, 200..) => "\u{1b}[32m",
        (Color::Status | Color::Reset, _) => "\u{1b}[0m",
    }
}
