//! The log entry of one request, from its arrival to its line.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::{Error, HttpRequest, HttpResponse};
use jiff::Timestamp;
use log::Level;
use log::kv::Source;

use crate::format::{DateStyle, Format, Piece, ResponseToken};
use crate::request_tokens::{self, MISSING, RemoteAddress, push_escaped};
use crate::response_tokens::{Head, escape_sequence, push_milliseconds};

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
    pub(crate) fields: Option<Fields>,
    pub(crate) aborted: fn(&HttpRequest) -> bool,
    pub(crate) remote_address: RemoteAddress,
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

#[derive(Default)]
enum Line {
    /// There is no response yet.
    #[default]
    Pending,
    Ready(Unfinished),
    /// The line is written, or belongs to the `Logger`.
    Taken,
}

/// A line without its total times.
struct Unfinished {
    text: String,
    /// Places of the total times in the text, with their numbers of decimal places.
    total_times: Vec<(usize, usize)>,
}

/// Longer than most lines, so that a line needs one allocation.
const USUAL_LENGTH: usize = 128;

impl Entry {
    #[expect(clippy::disallowed_methods, reason = "the request arrives here")]
    pub(crate) fn new(request: &ServiceRequest, options: &Rc<Options>) -> Self {
        let pieces = &options.format.pieces;
        let mut request_values = String::with_capacity(USUAL_LENGTH);
        let mut ends = Vec::with_capacity(pieces.len());
        for piece in pieces {
            if let Piece::Request(token) = piece {
                let address = options.remote_address;
                request_tokens::write(token, request, address, &mut request_values);
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
            line: RefCell::default(),
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
        let line = self.format(Some(&Head::new(response, response_time)));
        self.line.replace(Line::Ready(line));
    }

    /// Writes the line of a middleware's error, which becomes a response outside of the `Logger`.
    pub(crate) fn fail(&self, error: &Error) {
        let response = error.error_response();
        let head = Head::new(&response, self.arrived.elapsed());
        self.line.replace(Line::Ready(self.format(Some(&head))));
        self.write();
    }

    /// Returns the line for the `Logger`.
    pub(crate) fn take_line(&self) -> String {
        match self.line.replace(Line::Taken) {
            Line::Ready(line) => line.text,
            Line::Pending | Line::Taken => self.format(None).text,
        }
    }

    /// Writes the line, unless that was done before.
    fn write(&self) {
        let line = match self.line.replace(Line::Taken) {
            Line::Taken => return,
            Line::Pending => self.format(None),
            Line::Ready(line) => line,
        };
        let line = line.finish(self.arrived.elapsed());
        let mut record = log::Record::builder();
        record.target(self.options.target).level(Level::Info);
        let fields = self.fields.borrow();
        if let Some(fields) = &*fields {
            record.key_values(fields);
        }
        log::logger().log(&record.args(format_args!("{line}")).build());
    }

    /// Formats the line. Without a response, values that depend on it print as `-`.
    fn format(&self, head: Option<&Head<'_>>) -> Unfinished {
        let mut text = String::with_capacity(USUAL_LENGTH);
        let mut total_times = Vec::new();
        let mut start = 0;
        let mut ends = self.ends.iter().copied();
        for piece in &self.options.format.pieces {
            match (piece, head) {
                (Piece::Literal(literal), _) => text.push_str(literal),
                (Piece::Request(_), _) => {
                    let end = ends.next().unwrap_or(start);
                    text.push_str(self.request_values.get(start..end).unwrap_or(MISSING));
                    start = end;
                }
                (Piece::Color(color), head) => {
                    text.push_str(escape_sequence(*color, head.map(Head::status)));
                }
                (Piece::Response(ResponseToken::Date(style)), _) => {
                    push_escaped(self.date(*style), &mut text);
                }
                (Piece::Response(_), None) => text.push_str(MISSING),
                (Piece::Response(ResponseToken::TotalTime(digits)), Some(_)) => {
                    total_times.push((text.len(), *digits));
                }
                (Piece::Response(token), Some(head)) => head.write(token, &mut text),
            }
        }
        Unfinished { text, total_times }
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

impl Unfinished {
    fn finish(mut self, total_time: Duration) -> String {
        for (place, digits) in self.total_times.into_iter().rev() {
            let mut time = String::new();
            push_milliseconds(total_time, digits, &mut time);
            self.text.insert_str(place, &time);
        }
        self.text
    }
}

impl Drop for Entry {
    /// Writes the line of a request without a response: its client disconnected, or its handler panicked. Also writes the
    /// lines that the `Logger` cannot, once the body that holds the entry is finished.
    fn drop(&mut self) {
        let is_for_logger =
            self.options.uses_logger && matches!(*self.line.borrow(), Line::Ready(_));
        if !is_for_logger {
            self.write();
        }
    }
}
