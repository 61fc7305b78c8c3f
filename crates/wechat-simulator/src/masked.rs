//! Requests as they may be shown: with `***` for every value that is a secret.
//!
//! Knows the names of WeChat's parameters that bear secrets.
//! Never knows what a secret is good for.

use serde_json::{Map, Value};

use super::asked::RecordedRequest;

/// The parameters and members whose values nobody is shown.
const SECRETS: [&str; 7] = [
    "access_token",
    "code",
    "js_code",
    "secret",
    "session_key",
    "signature",
    "encrypted_msg_hash",
];

const MASK: &str = "***";

/// The path and the query.
pub(super) fn url(asked: &RecordedRequest) -> String {
    let query = asked.query.iter();
    let query: Vec<String> = query
        .map(|(name, value)| format!("{name}={}", text(name, value)))
        .collect();
    match query.as_slice() {
        [] => asked.path.clone(),
        query => format!("{}?{}", asked.path, query.join("&")),
    }
}

/// The query's names and values.
pub(super) fn query(asked: &RecordedRequest) -> Value {
    let query = asked.query.iter();
    let members: Map<String, Value> = query
        .map(|(name, value)| (name.clone(), text(name, value).into()))
        .collect();
    members.into()
}

/// The members of a JSON object; of any other body, its length, and nothing of none.
pub(super) fn body(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members
            .into_iter()
            .map(|(name, value)| {
                let value = if is_secret(&name) { MASK.into() } else { value };
                (name, value)
            })
            .collect(),
        _ => format!("{} bytes that are no JSON object", body.len()).into(),
    }
}

/// The same as text; empty, if there is no body.
pub(super) fn body_text(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        String::new()
    } else {
        body(bytes).to_string()
    }
}

fn text<'a>(name: &str, value: &'a str) -> &'a str {
    if is_secret(name) { MASK } else { value }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}
