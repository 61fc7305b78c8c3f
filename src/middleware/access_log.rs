//! The access log: actix's `Logger` with the format from the settings.
//!
//! `Logger` sees neither the end of an aborted or panicked request nor the time until its end. So the middleware of `actix-morgan`
//! writes the lines of such requests, those with `:total-time`, and JSON itself, through the same log.

use std::sync::Arc;
use std::time::Duration;

use actix_morgan::{Answer, Format, LINE, Morgan};
use actix_web::http::header::HeaderName;
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
        let access_log = Self::new(&log.format, &log.skip, no_color || is_json)?;
        let token_header = TokenHeader::named(&settings.session.token_header);
        let access_log = access_log
            .below(&settings.server.base_path)
            .masking(token_header.name());
        Ok(if is_json {
            access_log.with_fields()
        } else {
            access_log
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

    /// Puts a path before those that are not logged.
    fn below(self, base_path: &str) -> Self {
        let skip = self.skip.iter().map(|path| format!("{base_path}{path}"));
        Self {
            skip: skip.collect(),
            ..self
        }
    }

    /// Masks the value of a header that contains tokens.
    fn masking(self, secret: Option<&HeaderName>) -> Self {
        match secret {
            Some(secret) => Self {
                format: self.format.masking(secret),
                ..self
            },
            None => self,
        }
    }

    /// Adds fields to each line, for the JSON style.
    #[must_use]
    pub fn with_fields(self) -> Self {
        Self {
            has_fields: true,
            ..self
        }
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
