//! Headers as node shows them to a log.
//!
//! Knows which of several headers with one name count, and which hold secrets.
//! Never knows a request or a response as a whole.

use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, FROM, HOST, HeaderMap, HeaderName, LOCATION, MAX_FORWARDS,
    PROXY_AUTHORIZATION, REFERER, RETRY_AFTER, SERVER, SET_COOKIE, USER_AGENT,
};

use crate::middleware::access_log::escape::{HIDDEN, latin1, redact};

/// Of these the first counts; others are joined with commas.
const SINGLE: [HeaderName; 9] = [
    CONTENT_TYPE,
    FROM,
    HOST,
    LOCATION,
    MAX_FORWARDS,
    REFERER,
    RETRY_AFTER,
    SERVER,
    USER_AGENT,
];
/// These are nobody's business.
const SECRET: [HeaderName; 5] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    SET_COOKIE,
    HeaderName::from_static("idempotency-key"),
];
/// These hold a URL.
const URLS: [HeaderName; 3] = [LOCATION, REFERER, REFERRER];
/// The word as it should have been written.
pub(super) const REFERRER: HeaderName = HeaderName::from_static("referrer");

/// The value of a header; one that holds a secret is hidden, one that holds a URL is redacted.
pub(super) fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).map(|value| latin1(value.as_bytes()));
    let first = values.next()?;
    if SECRET.contains(name) {
        return Some(HIDDEN.to_owned());
    }
    let value = if SINGLE.contains(name) {
        first
    } else {
        values.fold(first, |joined, value| joined + ", " + &value)
    };
    Some(if URLS.contains(name) {
        redact(&value)
    } else {
        value
    })
}
