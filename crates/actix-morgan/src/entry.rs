//! The log entry of one request, from its arrival to its line.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::{Error, HttpRequest, HttpResponse};
use jiff::Timestamp;
use log::Level;
use log::kv::Source;

use crate::format::{Color, DateStyle, Format, Piece, ResponseToken};
use crate::headers;
use crate::request_tokens::{self, MISSING, push_escaped};

/// Returns the key-value pairs of a request's log record. Called with `None` when the request arrives, for the record of
/// a request that never gets a response, and again when the response head is ready.
pub type Fields = fn(&HttpRequest, Option<Answer<'_>>) -> Box<dyn Source>;

/// A response, as [`Fields`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Status of the response.
    pub status: StatusCode,
    /// The error behind the response, if there is one.
    pub error: Option<&'a Error>,
    /// Time until the response head was ready.
    pub response_time: Duration,
}

/// Options that all entries of a worker share.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) format: Format,
    pub(crate) target: &'static str,
    pub(crate) excluded: Vec<String>,
    pub(crate) fields: Option<Fields>,
    pub(crate) aborted: fn(&HttpRequest) -> bool,
    /// Set if actix's `Logger` writes the lines of responses. It fixes a line when the response head is ready, so it cannot
    /// show a total time, and its records have no fields.
    pub(crate) uses_logger: bool,
}

/// One request. Dropping it writes the lines that actix's `Logger` does not.
pub(crate) struct Entry {
    options: Rc<Options>,
    arrived: Instant,
    /// Set if the format has a date.
    arrived_at: Option<Timestamp>,
    /// Values of the request tokens, one after the other.
    request_values: String,
    /// End of each value in `request_values`.
    ends: Vec<usize>,
    fields: RefCell<Option<Box<dyn Source>>>,
    line: RefCell<Line>,
}

enum Line {
    /// There is no response yet.
    Pending,
    /// The line, and the places of total times that are still missing, with their numbers of decimal places.
    Ready(String, Vec<(usize, usize)>),
    /// The line is written, or belongs to the `Logger`.
    Taken,
}

/// Longer than most lines, so that a line needs one allocation.
const USUAL_LENGTH: usize = 128;

const HALF_A_MICROSECOND: Duration = Duration::from_nanos(500);

impl Entry {
    #[expect(clippy::disallowed_methods, reason = "the request arrives here")]
    pub(crate) fn new(request: &ServiceRequest, options: &Rc<Options>) -> Self {
        let pieces = &options.format.pieces;
        let mut request_values = String::with_capacity(USUAL_LENGTH);
        let mut ends = Vec::with_capacity(pieces.len());
        for piece in pieces {
            if let Piece::Request(token) = piece {
                request_tokens::write(token, request, &mut request_values);
                ends.push(request_values.len());
            }
        }
        let fields = options.fields.map(|fields| fields(request.request(), None));
        Self {
            options: Rc::clone(options),
            arrived: Instant::now(),
            arrived_at: options.format.has_date().then(Timestamp::now),
            request_values,
            ends,
            fields: RefCell::new(fields),
            line: RefCell::new(Line::Pending),
        }
    }

    /// Formats the line of a response whose head is ready.
    pub(crate) fn answer<B: MessageBody>(&self, request: &HttpRequest, response: &HttpResponse<B>) {
        if (self.options.aborted)(request) {
            return;
        }
        let response_time = self.arrived.elapsed();
        if let Some(fields) = self.options.fields {
            let answer = Answer {
                status: response.status(),
                error: response.error(),
                response_time,
            };
            self.fields.replace(Some(fields(request, Some(answer))));
        }
        self.line.replace(self.format(Some(&Head {
            status: response.status(),
            headers: response.headers(),
            content_length: content_length(response.status(), response.body()),
            response_time,
        })));
    }

    /// Writes the line of a middleware's error, which becomes a response outside of the `Logger`.
    pub(crate) fn fail(&self, error: &Error) {
        let response = error.error_response();
        let line = self.format(Some(&Head {
            status: response.status(),
            headers: response.headers(),
            content_length: content_length(response.status(), response.body()),
            response_time: self.arrived.elapsed(),
        }));
        self.line.replace(line);
        self.write();
    }

    /// Returns the line for the `Logger`.
    pub(crate) fn take_line(&self) -> String {
        match self.line.replace(Line::Taken) {
            Line::Ready(line, _) => line,
            Line::Pending | Line::Taken => self.unanswered(),
        }
    }

    fn unanswered(&self) -> String {
        match self.format(None) {
            Line::Ready(line, _) => line,
            Line::Pending | Line::Taken => String::new(),
        }
    }

    /// Writes the line, unless that was done before.
    fn write(&self) {
        let line = match self.line.replace(Line::Taken) {
            Line::Taken => return,
            Line::Pending => self.unanswered(),
            Line::Ready(mut line, total_times) => {
                for (place, digits) in total_times.into_iter().rev() {
                    let mut time = String::new();
                    push_milliseconds(self.arrived.elapsed(), digits, &mut time);
                    line.insert_str(place, &time);
                }
                line
            }
        };
        let mut record = log::Record::builder();
        record.target(self.options.target).level(Level::Info);
        let fields = self.fields.borrow();
        if let Some(fields) = &*fields {
            record.key_values(fields);
        }
        log::logger().log(&record.args(format_args!("{line}")).build());
    }

    /// Formats the line. Without a response, values that depend on it print as `-`.
    fn format(&self, head: Option<&Head<'_>>) -> Line {
        let mut line = String::with_capacity(USUAL_LENGTH);
        let mut total_times = Vec::new();
        let mut start = 0;
        let mut ends = self.ends.iter().copied();
        for piece in &self.options.format.pieces {
            match (piece, head) {
                (Piece::Literal(text), _) => line.push_str(text),
                (Piece::Request(_), _) => {
                    let end = ends.next().unwrap_or(start);
                    line.push_str(self.request_values.get(start..end).unwrap_or(MISSING));
                    start = end;
                }
                (Piece::Color(color), head) => {
                    line.push_str(escape_sequence(*color, head.map(|head| head.status)));
                }
                (Piece::Response(ResponseToken::Date(style)), _) => {
                    push_escaped(self.date(*style), &mut line);
                }
                (Piece::Response(_), None) => line.push_str(MISSING),
                (Piece::Response(ResponseToken::TotalTime(digits)), Some(_)) => {
                    total_times.push((line.len(), *digits));
                }
                (Piece::Response(token), Some(head)) => head.write(token, &mut line),
            }
        }
        Line::Ready(line, total_times)
    }

    fn date(&self, style: DateStyle) -> Option<String> {
        let arrived_at = self.arrived_at?;
        let now = arrived_at.saturating_add(self.arrived.elapsed());
        let now = now.unwrap_or(arrived_at);
        let format = match style {
            DateStyle::CommonLog => "%d/%b/%Y:%H:%M:%S +0000",
            DateStyle::Iso => "%Y-%m-%dT%H:%M:%S.%3fZ",
            DateStyle::Web => "%a, %d %b %Y %H:%M:%S GMT",
            DateStyle::Unknown => return None,
        };
        Some(now.strftime(format).to_string())
    }
}

impl Drop for Entry {
    /// Writes the line of a request without a response: its client disconnected, or its handler panicked. Also writes the
    /// lines that the `Logger` cannot, once the body that holds the entry is finished.
    fn drop(&mut self) {
        let is_for_logger =
            self.options.uses_logger && matches!(*self.line.borrow(), Line::Ready(..));
        if !is_for_logger {
            self.write();
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

/// A response head.
struct Head<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    /// The value of the `Content-Length` header that actix adds later.
    content_length: Option<u64>,
    response_time: Duration,
}

impl Head<'_> {
    fn write(&self, token: &ResponseToken, line: &mut String) {
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
fn push_milliseconds(duration: Duration, digits: usize, line: &mut String) {
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
fn escape_sequence(color: Color, status: Option<StatusCode>) -> &'static str {
    match (color, status.map_or(0, |status| status.as_u16())) {
        (Color::Status, 500..) => "\u{1b}[31m",
        (Color::Status, 400..) => "\u{1b}[33m",
        (Color::Status, 300..) => "\u{1b}[36m",
        (Color::Status, 200..) => "\u{1b}[32m",
        (Color::Status | Color::Reset, _) => "\u{1b}[0m",
    }
}
