//! What is known about one request, and the line that it makes.
//!
//! Knows how each token gets its value, from the request as it arrived. Never writes a line.

use std::cell::Cell;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use jiff::Timestamp;

use crate::middleware::access_log::asked;
use crate::middleware::access_log::escape::escape;
use crate::middleware::access_log::headers;
use crate::middleware::access_log::template::{Answered, DateStyle, Piece, Template};

/// One request, from its arrival to its line.
pub(super) struct Record {
    arrived: Instant,
    /// Only where the template shows a date.
    arrived_at: Option<Timestamp>,
    /// What the pieces say that the request alone gives, one after the other.
    asked: String,
    /// Where in `asked` each of them ends.
    ends: Vec<usize>,
    /// What the response brought, once there is one.
    pub(super) head: Cell<Option<Head>>,
}

/// What is noted of a response that the log could not see later.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    after: Duration,
    /// The size of the body where it is known beforehand.
    length: Option<u64>,
}

/// A response that went out.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
}

/// What stands for a value that is not there.
pub(super) const NOTHING: &str = "-";

const HALF_A_MICROSECOND: Duration = Duration::from_nanos(500);

/// About as long as most lines are, so that a line is put together in one piece of memory.
const USUAL_LENGTH: usize = 128;

impl Record {
    #[expect(clippy::disallowed_methods, reason = "this is where a request arrives")]
    pub(super) fn of(request: &ServiceRequest, template: &Template) -> Self {
        let mut asked = String::with_capacity(USUAL_LENGTH);
        let mut ends = Vec::with_capacity(template.pieces.len());
        for piece in &template.pieces {
            if let Piece::Asked(token) = piece {
                asked::write(token, request, &mut asked);
                ends.push(asked.len());
            }
        }
        Self {
            arrived: Instant::now(),
            arrived_at: template.has_date().then(Timestamp::now),
            asked,
            ends,
            head: Cell::new(None),
        }
    }

    /// Notes that the head of the response is ready.
    pub(super) fn answered(&self, length: Option<u64>) {
        let after = self.arrived.elapsed();
        self.head.set(Some(Head { after, length }));
    }

    /// The whole line. Without an answer, most of what a response gives is `-`.
    pub(super) fn line(&self, template: &Template, answer: Option<Answer<'_>>) -> String {
        let mut line = String::with_capacity(USUAL_LENGTH);
        let mut start = 0;
        let mut ends = self.ends.iter().copied();
        for piece in &template.pieces {
            match piece {
                Piece::Literal(text) => line.push_str(text),
                Piece::Asked(_) => {
                    let end = ends.next().unwrap_or(start);
                    line.push_str(self.asked.get(start..end).unwrap_or(NOTHING));
                    start = end;
                }
                Piece::Answered(token) => self.write(token, answer, &mut line),
            }
        }
        line
    }

    /// The time until the head of the response was ready, if there is one.
    pub(super) fn response_time(&self) -> Option<Duration> {
        self.head.get().map(|head| head.after)
    }

    /// Writes the value of a piece that the response gives.
    fn write(&self, token: &Answered, answer: Option<Answer<'_>>, line: &mut String) {
        let seen = self.head.get().zip(answer);
        match (token, seen) {
            (Answered::Date(style), _) => push_or_nothing(self.date(*style), line),
            (Answered::Colour, seen) => {
                line.push_str(colour(seen.map(|(_, answer)| answer.status)));
            }
            (_, None) => line.push_str(NOTHING),
            (Answered::Status, Some((_, answer))) => line.push_str(answer.status.as_str()),
            (Answered::ResponseTime(digits), Some((head, _))) => {
                push_milliseconds(head.after, *digits, line);
            }
            (Answered::TotalTime(digits), Some(_)) => {
                push_milliseconds(self.arrived.elapsed(), *digits, line);
            }
            (Answered::Header(name), Some((head, answer))) => {
                let value = headers::joined(answer.headers, name);
                match head
                    .length
                    .filter(|_| *name == CONTENT_LENGTH && value.is_none())
                {
                    Some(length) => push_number(length, line),
                    None => push_or_nothing(value, line),
                }
            }
        }
    }

    /// When the line is written, as in morgan.
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

/// Writes a value fit for a line; an empty one prints as a missing one.
pub(super) fn push_or_nothing(value: Option<String>, line: &mut String) {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => line.push_str(&escape(&value)),
        None => line.push_str(NOTHING),
    }
}

/// With three digits, which is what nearly every line has, without the detour by floating point.
fn push_milliseconds(duration: Duration, digits: usize, line: &mut String) {
    if digits == 3 {
        let microseconds = duration.saturating_add(HALF_A_MICROSECOND).as_micros();
        push_number(microseconds / 1000, line);
        line.push('.');
        // A digit more in front, for the zeros, and off again.
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

/// The terminal's colour: red, yellow, cyan, green, or none.
fn colour(status: Option<StatusCode>) -> &'static str {
    match status.map_or(0, |status| status.as_u16()) {
        500.. => "31",
        400.. => "33",
        300.. => "36",
        200.. => "32",
        _ => "0",
    }
}
