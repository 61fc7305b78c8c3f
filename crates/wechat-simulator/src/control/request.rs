//! A request to the control API, and its errors.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::app_handle::AppHandle;
use crate::guard::Foreign;
use crate::reply::Reply;
use crate::state::Shared;

/// A request to the control API, as it was received.
#[derive(Clone, Copy)]
pub(crate) struct Command<'a> {
    pub(crate) method: &'a str,
    /// The path, percent-encoded.
    pub(crate) path: &'a str,
    /// The query, percent-encoded.
    pub(crate) query: &'a str,
    /// The body; `None` if it is too large.
    pub(crate) body: Option<&'a [u8]>,
}

/// Returns `true` if the path belongs to the control API.
pub(crate) fn is_control_path(path: &str) -> bool {
    path == "/simulator" || path.starts_with("/simulator/")
}

/// A request to the control API.
pub(super) struct ControlRequest<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) method: &'a str,
    /// The decoded segments of the path after `/simulator`.
    pub(super) segments: Vec<String>,
    query: Vec<(String, String)>,
    body: &'a [u8],
}

/// The error of a request to the control API.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ControlError {
    status: u16,
    message: String,
    /// The allowed methods, with status 405.
    allow: Option<String>,
}

impl ControlError {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            allow: None,
        }
    }

    /// 400: the path, query or body is invalid.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 403: the request comes from a foreign web page.
    pub(super) fn foreign(foreign: Foreign) -> Self {
        let message = format!(
            "the simulator takes no commands from web pages of other sites, and {foreign}; \
             `Options::allowed_hosts` or `--allow-host` adds a name"
        );
        Self::new(403, message)
    }

    /// 404: the path or the app does not exist.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// 405: the path does not accept the method.
    pub(super) fn method(allow: &str) -> Self {
        Self {
            allow: Some(allow.to_owned()),
            ..Self::new(405, format!("this path takes {allow}"))
        }
    }

    /// 502: a push could not be delivered.
    pub(super) fn undelivered(error: &str) -> Self {
        Self::new(502, format!("the message could not be delivered: {error}"))
    }

    /// 413: the body is too large.
    fn too_large() -> Self {
        Self::new(413, "the body is too large")
    }

    fn invalid_body(error: &serde_json::Error) -> Self {
        Self::invalid(format!("invalid body: {error}"))
    }

    pub(super) fn reply(self) -> Reply {
        let reply = Reply::json(self.status, &json!({"error": self.message}));
        match self.allow {
            Some(allow) => reply.with("allow", allow),
            None => reply,
        }
    }
}

impl<'a> ControlRequest<'a> {
    pub(super) fn new(
        shared: &'a Arc<Shared>,
        command: &Command<'a>,
    ) -> Result<Self, ControlError> {
        let path = command.path;
        let path = path.strip_prefix("/simulator").unwrap_or(path);
        let query = form_urlencoded::parse(command.query.as_bytes());
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let segments = segments.map(percent_decode).collect::<Option<_>>();
        Ok(Self {
            shared,
            method: command.method,
            segments: segments
                .ok_or_else(|| ControlError::invalid("the path is not percent-encoded UTF-8"))?,
            query: query.into_owned().collect(),
            body: command.body.ok_or_else(ControlError::too_large)?,
        })
    }

    /// Fails unless the request has this method.
    pub(super) fn require(&self, method: &str) -> Result<(), ControlError> {
        if self.method == method {
            Ok(())
        } else {
            Err(ControlError::method(method))
        }
    }

    /// Returns `true` if the request has this method, and `false` if it is a `GET`, which only reads. Fails for any other method.
    pub(super) fn changes_with(&self, method: &str) -> Result<bool, ControlError> {
        match self.method {
            "GET" => Ok(false),
            other if other == method => Ok(true),
            _ => Err(ControlError::method(&format!("GET, {method}"))),
        }
    }

    /// Parses the body. An empty one counts as `{}`.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, ControlError> {
        let body: &[u8] = if self.body.is_empty() {
            b"{}"
        } else {
            self.body
        };
        serde_json::from_slice(body).map_err(|error| ControlError::invalid_body(&error))
    }

    /// Returns `current` with the fields that the body has.
    pub(super) fn update<T>(&self, current: &T) -> Result<T, ControlError>
    where
        T: Serialize + DeserializeOwned,
    {
        let mut changes: Map<String, Value> = self.body()?;
        let merge = || {
            let mut fields: Map<String, Value> =
                serde_json::from_value(serde_json::to_value(current)?)?;
            // As in other bodies, a `null` counts as a missing field.
            changes.retain(|name, value| !(value.is_null() && fields.contains_key(name)));
            fields.extend(changes);
            serde_json::from_value(fields.into())
        };
        merge().map_err(|error| ControlError::invalid_body(&error))
    }

    /// Returns the value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        let found = query.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the app of the query's `app_id`; by default the first app.
    pub(super) fn app(&self) -> Result<AppHandle, ControlError> {
        let state = self.shared.lock();
        let app = match self.parameter("app_id") {
            Some(app_id) => state.app(app_id),
            None => state.apps.first().map(Arc::clone),
        };
        Ok(AppHandle {
            shared: Arc::clone(self.shared),
            app: app
                .ok_or_else(|| ControlError::not_found("there is no app with this `app_id`"))?,
        })
    }

    /// 404: the path does not exist.
    pub(super) fn path_not_found(&self) -> ControlError {
        let path = self.segments.join("/");
        ControlError::not_found(format!("there is no `/simulator/{path}`"))
    }
}

fn percent_decode(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(mut byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            byte = u8::try_from(digit()? << 4 | digit()?).ok()?;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded() {
        let name = percent_decode("%E5%B0%8F%e6%98%8e+a");
        assert_eq!(name.as_deref(), Some("小明+a"));
        for malformed in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(percent_decode(malformed), None);
        }
    }
}
