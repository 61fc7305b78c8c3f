//! Received requests: the log of them, and views without secrets.

use std::fmt;
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::endpoint::Endpoint;

/// Names of query parameters and JSON fields whose values are secret.
const SECRETS: [&str; 7] = [
    "access_token",
    "code",
    "js_code",
    "secret",
    "session_key",
    "signature",
    "encrypted_msg_hash",
];

/// Maximum size of a body in the log. Our choice: more than any endpoint needs.
const MAX_LOGGED_BYTES: usize = 16 * 1024;

const MASK: &str = "***";

/// A request to one of WeChat's paths, as it was received.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The endpoint; `None` for an unknown path.
    pub endpoint: Option<Endpoint>,
    /// The method, for example `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// Decoded names and values of the query, in the order of the request.
    pub query: Vec<(String, String)>,
    /// The body; in the log its first 16 KiB, and empty if it is larger than WeChat accepts.
    pub body: Vec<u8>,
    /// If `true`, the body is larger than WeChat accepts.
    pub(crate) is_too_large: bool,
    /// The client's address.
    pub client: Option<IpAddr>,
}

impl RecordedRequest {
    /// Returns the value of the first query parameter with this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        let found = query.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the parameters of a form in the body, if the endpoint accepts one.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        let accepts_form = self.endpoint.is_some_and(Endpoint::accepts_form);
        if accepts_form && self.method == "POST" && !self.body.starts_with(b"{") {
            form_urlencoded::parse(&self.body).into_owned().collect()
        } else {
            Vec::new()
        }
    }

    /// Returns the request with at most [`MAX_LOGGED_BYTES`] of its body.
    pub(crate) fn shortened(&self) -> Self {
        let mut shortened = self.clone();
        shortened.body.truncate(MAX_LOGGED_BYTES);
        shortened.body.shrink_to_fit();
        shortened
    }

    /// Returns path and query without secrets.
    pub(crate) fn masked_url(&self) -> String {
        let query = self.query.iter();
        let query: Vec<String> = query
            .map(|(name, value)| format!("{name}={}", masked(name, value)))
            .collect();
        match query.as_slice() {
            [] => self.path.clone(),
            query => format!("{}?{}", self.path, query.join("&")),
        }
    }

    /// Returns the query as a JSON object without secrets.
    pub(crate) fn masked_query(&self) -> Value {
        masked_object(&self.query)
    }

    /// Returns a JSON object or form in the body without secrets, `null` for an empty body, and the length of any other body.
    pub(crate) fn masked_body(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        let form = self.form();
        if !form.is_empty() {
            return masked_object(&form);
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&self.body) else {
            return format!("{} bytes that are not a JSON object", self.body.len()).into();
        };
        for name in SECRETS {
            if let Some(value) = fields.get_mut(name) {
                *value = MASK.into();
            }
        }
        fields.into()
    }
}

/// Omits all values: a query contains the AppSecret and the login code.
impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("RecordedRequest")
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .field("parameters", &names)
            .finish_non_exhaustive()
    }
}

fn masked_object(parameters: &[(String, String)]) -> Value {
    let parameters = parameters.iter();
    parameters
        .map(|(name, value)| (name.clone(), masked(name, value).into()))
        .collect::<Map<_, Value>>()
        .into()
}

fn masked<'a>(name: &str, value: &'a str) -> &'a str {
    if SECRETS.contains(&name) { MASK } else { value }
}
