//! The request and the reply of a call, as an observer may show them.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::masking::{self, MASK};
use crate::platforms::transport::RawReply;

/// The request and the last reply of a call. Nothing is copied unless an observer asks for it.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    pub(super) request: &'a dyn Fn() -> Option<reqwest::Request>,
    pub(super) reply: Option<&'a RawReply>,
}

/// An exchange without secrets.
#[derive(Debug, Serialize)]
pub struct MaskedExchange {
    /// The method.
    pub method: String,
    /// The path and the query.
    pub url: String,
    /// The JSON body of the request, if it has one.
    pub body: Option<String>,
    /// The HTTP status; `None` without a complete reply.
    pub status: Option<u16>,
    /// The JSON body of the reply.
    pub reply: Option<String>,
}

impl Exchange<'_> {
    /// Returns the exchange without secrets. Texts are shown by the names of their fields, and an `errmsg` only if it repeats
    /// nothing of the request.
    pub fn masked(&self) -> Option<MaskedExchange> {
        let request = (self.request)()?;
        let url = request.url();
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let query = url.query().map(masking::query);
        let query = query.map_or(String::new(), |query| format!("?{query}"));
        let secrets = secrets(url, body.unwrap_or_default());
        let reply = self.reply.map(|reply| {
            let shown = masking::json(&reply.body);
            let repeats = secrets.iter().any(|secret| shown.contains(secret));
            if repeats { MASK.to_owned() } else { shown }
        });
        Some(MaskedExchange {
            method: request.method().to_string(),
            url: format!("{}{query}", url.path()),
            body: body.map(masking::json),
            status: self.reply.map(|reply| reply.status),
            reply,
        })
    }
}

/// Returns the texts of a request that are masked.
fn secrets(url: &reqwest::Url, body: &[u8]) -> Vec<String> {
    let query = url.query_pairs();
    let mut texts: Vec<_> = query
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        let fields = fields.into_iter();
        texts.extend(fields.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
    }
    let is_secret =
        |(name, text): &(String, String)| !text.is_empty() && masking::text(name, text) != *text;
    let secrets = texts.into_iter().filter(is_secret);
    secrets.map(|(_name, text)| text).collect()
}

/// Omits everything: it is secret.
impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange(***)")
    }
}
