//! A reply before it is sent: status, headers and body.

use serde_json::Value;

/// The end of a request.
pub(crate) enum Outcome {
    Reply(Reply),
    /// Nothing: the connection stays open.
    Silence,
    /// A TCP reset, without a byte of a reply.
    Reset,
}

/// An HTTP reply.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self {
            status: 302,
            headers: vec![("location", location)],
            body: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
