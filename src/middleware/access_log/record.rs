//! What is known about one request, and the line that it makes.
//!
//! Knows how each token gets its value, from the request as it arrived. Never writes a line.

use std::cell::Cell;
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
    arrived_at: Timestamp,
    /// The values of the pieces that the request alone gives, at the places of those pieces.
    asked: Vec<Option<String>>,
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

impl Record {
    #[expect(clippy::disallowed_methods, reason = "this is where a request arrives")]
    pub(super) fn of(request: &ServiceRequest, template: &Template) -> Self {
        let value = |piece: &Piece| match piece {
            Piece::Asked(token) => Some(or_nothing(asked::value(token, request))),
            Piece::Literal(_) | Piece::Answered(_) => None,
        };
        Self {
            arrived: Instant::now(),
            arrived_at: Timestamp::now(),
            asked: template.pieces.iter().map(value).collect(),
            head: Cell::new(None),
        }
    }

    /// Notes that the head of the response is ready.
    pub(super) fn answered(&self, length: Option<u64>) {
        let after = self.arrived.elapsed();
        self.head.set(Some(Head { after, length }));
    }

    /// The value of the piece at this place, which must be one that the request gives.
    pub(super) fn asked(&self, place: usize) -> &str {
        let value = self.asked.get(place).and_then(Option::as_deref);
        value.unwrap_or(NOTHING)
    }

    /// The value of a piece that the response gives; without one, most are `-`.
    pub(super) fn value(&self, token: &Answered, answer: Option<Answer<'_>>) -> String {
        let seen = self.head.get().zip(answer);
        let value = match (token, seen) {
            (Answered::Date(style), _) => self.date(*style),
            (Answered::Colour, seen) => Some(colour(seen.map(|(_, answer)| answer.status))),
            (_, None) => None,
            (Answered::Status, Some((_, answer))) => Some(answer.status.as_str().to_owned()),
            (Answered::ResponseTime(digits), Some((head, _))) => {
                Some(milliseconds(head.after, *digits))
            }
            (Answered::TotalTime(digits), Some(_)) => {
                Some(milliseconds(self.arrived.elapsed(), *digits))
            }
            (Answered::Header(name), Some((head, answer))) => {
                let value = headers::joined(answer.headers, name);
                let length = head.length.filter(|_| *name == CONTENT_LENGTH);
                value.or_else(|| length.map(|length| length.to_string()))
            }
        };
        or_nothing(value)
    }

    /// The whole line.
    pub(super) fn line(&self, template: &Template, answer: Option<Answer<'_>>) -> String {
        let mut line = String::new();
        for (place, piece) in template.pieces.iter().enumerate() {
            match piece {
                Piece::Literal(text) => line.push_str(text),
                Piece::Asked(_) => line.push_str(self.asked(place)),
                Piece::Answered(token) => line.push_str(&self.value(token, answer)),
            }
        }
        line
    }

    /// When the line is written, as in morgan.
    fn date(&self, style: DateStyle) -> Option<String> {
        let now = self.arrived_at.saturating_add(self.arrived.elapsed());
        let now = now.unwrap_or(self.arrived_at);
        let format = match style {
            DateStyle::CommonLog => "%d/%b/%Y:%H:%M:%S +0000",
            DateStyle::Iso => "%Y-%m-%dT%H:%M:%S.%3fZ",
            DateStyle::Web => "%a, %d %b %Y %H:%M:%S GMT",
            DateStyle::Unknown => return None,
        };
        Some(now.strftime(format).to_string())
    }
}

/// An empty value prints as a missing one.
fn or_nothing(value: Option<String>) -> String {
    let value = value.filter(|value| !value.is_empty());
    value.map_or_else(|| NOTHING.to_owned(), |value| escape(&value))
}

fn milliseconds(duration: Duration, digits: usize) -> String {
    format!("{:.digits$}", duration.as_secs_f64() * 1000.0)
}

/// The terminal's colour: red, yellow, cyan, green, or none.
fn colour(status: Option<StatusCode>) -> String {
    let colour = match status.map_or(0, |status| status.as_u16()) {
        500.. => 31,
        400.. => 33,
        300.. => 36,
        200.. => 32,
        _ => 0,
    };
    colour.to_string()
}
