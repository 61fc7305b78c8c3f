//! What a line for machines says beside its sentence.
//!
//! Knows what is known of a request when it was answered. Never writes a line.

use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceResponse;
use log::kv::{Error, Key, Source, Value, VisitSource};

use crate::error::ApiError;
use crate::middleware::request_id::RequestId;
use crate::middleware::session::Acting;

/// The members of one line. Whatever is not known is left out.
#[derive(Debug, Default)]
pub(super) struct Members {
    method: String,
    /// The route's path with its `{…}`, which tells no identifier; none for a path that no route has.
    path: Option<String>,
    status: Option<u16>,
    /// Milliseconds until the head of the response was ready.
    ms: Option<f64>,
    request_id: Option<String>,
    app: Option<String>,
    user: Option<String>,
    errcode: Option<i64>,
}

impl Members {
    /// What is known of a request that was never answered.
    pub(super) fn of_unanswered(method: &str) -> Self {
        Self {
            method: method.to_owned(),
            ..Self::default()
        }
    }

    /// What is known of a request that was answered after this time.
    pub(super) fn of(response: &ServiceResponse, after: Option<Duration>) -> Self {
        let request = response.request();
        let extensions = request.extensions();
        let acting = Acting::of(&extensions);
        let error = response.response().error();
        let error = error.and_then(|error| error.as_error::<ApiError>());
        Self {
            method: request.method().to_string(),
            path: request.match_pattern(),
            status: Some(response.status().as_u16()),
            // To the microsecond: more digits would be noise.
            ms: after.map(|after| (after.as_secs_f64() * 1e6).round() / 1e3),
            request_id: extensions.get::<RequestId>().map(ToString::to_string),
            app: acting.as_ref().map(|acting| acting.app.to_string()),
            user: acting.as_ref().map(Acting::shortened),
            errcode: error.and_then(ApiError::errcode),
        }
    }
}

impl Source for Members {
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
