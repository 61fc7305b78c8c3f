//! The access log: actix's `Logger` with the format from the settings.
//!
//! `Logger` sees neither the end of an aborted or panicked request nor the time until its end. So the middleware of `actix-morgan`
//! writes the lines of such requests, those with `:total-time`, and JSON itself, through the same log.

use std::sync::Arc;
use std::time::Duration;

use actix_morgan::{Answer, Format, LINE, Morgan};
use actix_web::middleware::Logger;
use actix_web::{HttpMessage as _, HttpRequest};
use log::kv::{Error, Key, Source, Value, VisitSource};

pub use actix_morgan::FormatError;

use crate::error::ApiError;
use crate::middleware::client_address::ClientAddress;
use crate::middleware::json::ClientDisconnected;
use crate::middleware::request_id::RequestId;
use crate::middleware::session::{RequestUser, TokenHeader};
use crate::settings::{LogStyle, Settings};
use crate::telemetry::ACCESS;

/// The access log that the settings describe. It can be sent to every worker.
#[derive(Debug, Clone)]
pub struct AccessLog {
    format: Format,
    skip: Arc<[String]>,
    /// `true` for the JSON style, whose lines have fields.
    has_fields: bool,
}

impl AccessLog {
    /// Returns the access log of the settings. `no_color` removes the colors of `dev`.
    ///
    /// # Errors
    /// As [`AccessLog::new`].
    pub fn of(settings: &Settings, no_color: bool) -> Result<Self, FormatError> {
        let log = &settings.log;
        let is_json = log.style == LogStyle::Json;
        let Self { format, skip, .. } = Self::new(&log.format, &log.skip, no_color || is_json)?;
        let token_header = TokenHeader::named(&settings.session.token_header);
        let base_path = &settings.server.base_path;
        let skip = skip.iter().map(|path| format!("{base_path}{path}"));
        Ok(Self {
            format: match token_header.name() {
                Some(secret) => format.masking(secret),
                None => format,
            },
            skip: skip.collect(),
            has_fields: is_json,
        })
    }

    /// Parses a format. Requests to the paths in `skip` are not logged. `no_color` removes the colors of `dev`.
    ///
    /// # Errors
    /// [`FormatError`] names the unknown word and lists the known ones.
    pub fn new(format: &str, skip: &[String], no_color: bool) -> Result<Self, FormatError> {
        let format: Format = format.parse()?;
        Ok(Self {
            format: if no_color {
                format.without_colors()
            } else {
                format
            },
            skip: skip.into(),
            has_fields: false,
        })
    }

    /// Returns the middleware for one worker. It must be outside of any middleware that changes a request's URL.
    pub fn logger(&self) -> Morgan {
        let log = Morgan::new(Logger::new(LINE), self.format.clone())
            .target(ACCESS)
            .remote_address(|request| ClientAddress::of(request).ip())
            .aborted(|request| request.extensions().contains::<ClientDisconnected>());
        let log = self.skip.iter().fold(log, Morgan::exclude);
        if self.has_fields {
            log.fields(|request, answer| Box::new(Fields::new(request, answer)))
        } else {
            log
        }
    }
}

/// The fields of one line. A missing one is left out.
#[derive(Debug)]
struct Fields {
    request_id: Option<String>,
    method: String,
    /// The route's pattern, which has no identifiers. Missing if no route matched.
    path: Option<String>,
    status: Option<u16>,
    /// Milliseconds until the response head was ready.
    ms: Option<f64>,
    app: Option<String>,
    user: Option<String>,
    errcode: Option<i64>,
}

impl Fields {
    fn new(request: &HttpRequest, answer: Option<Answer<'_>>) -> Self {
        let extensions = request.extensions();
        let acting = RequestUser::of(&extensions);
        let error = answer.and_then(|answer| answer.error);
        let error = error.and_then(|error| error.as_error::<ApiError>());
        Self {
            request_id: extensions.get::<RequestId>().map(ToString::to_string),
            method: request.method().to_string(),
            path: answer.and_then(|_| request.match_pattern()),
            status: answer.map(|answer| answer.status.as_u16()),
            ms: answer.map(|answer| milliseconds(answer.response_time)),
            app: acting.as_ref().map(|acting| acting.app.to_string()),
            user: acting.as_ref().map(RequestUser::shortened),
            errcode: error.and_then(ApiError::errcode),
        }
    }
}

/// Rounds to microseconds.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl Source for Fields {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        let text = |text: &'kvs Option<String>| text.as_deref().map(Value::from);
        let pairs = [
            ("request_id", text(&self.request_id)),
            ("method", Some(Value::from(self.method.as_str()))),
            ("path", text(&self.path)),
            ("status", self.status.map(Value::from)),
            ("ms", self.ms.map(Value::from)),
            ("app", text(&self.app)),
            ("user", text(&self.user)),
            ("errcode", self.errcode.map(Value::from)),
        ];
        pairs
            .into_iter()
            .filter_map(|(key, value)| value.map(|value| (key, value)))
            .try_for_each(|(key, value)| visitor.visit_pair(Key::from_str(key), value))
    }
}
