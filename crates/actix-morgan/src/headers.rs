//! Header values as node shows them to morgan, with secrets masked.

use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, FROM, HOST, HeaderMap, HeaderName, LOCATION, MAX_FORWARDS,
    PROXY_AUTHORIZATION, REFERER, RETRY_AFTER, SERVER, SET_COOKIE, USER_AGENT,
};

use crate::escape::latin1;
use crate::redact::{MASK, redact};

/// Headers of which only the first value counts. Values of others are joined with commas.
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
/// Headers that are masked.
const SECRET: [HeaderName; 5] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    SET_COOKIE,
    HeaderName::from_static("idempotency-key"),
];
/// Headers that contain a URL.
const URLS: [HeaderName; 3] = [LOCATION, REFERER, REFERRER];
/// The correct spelling of `referer`, which morgan also reads.
pub(crate) const REFERRER: HeaderName = HeaderName::from_static("referrer");

/// Returns a header's values as one text. Secret headers are masked, and so are secrets in URLs.
pub(crate) fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).map(|value| latin1(value.as_bytes()));
    let first = values.next()?;
    if SECRET.contains(name) {
        return Some(MASK.to_owned());
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
