//! The extractor.

use actix_web::dev::Payload;
use actix_web::rt::time::timeout;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::body_stream::{self, Framing};
use crate::charset;
use crate::config::{BodyText, JsonConfig, Options};
use crate::error::{BodyError, ExpectedType};
use crate::head::{self, Decision, Format};
use crate::inflate::inflate;
use crate::json_value;

/// Extracts the body of a request, deserialized from JSON.
///
/// It accepts and rejects the same bodies as `json()` of Express's `body-parser`:
///
/// - A missing or empty body reads as `{}`.
/// - A body of another type than `application/json` is not read, and the value is that of `{}`, unless
///   [`JsonConfig::reject_other_types`] is set.
/// - An unpaired surrogate, as in a cut emoji, reads as U+FFFD. A number out of range, such as `1e400`, is infinity. Of a
///   repeated field the last one counts. Fields that `T` does not have may be nested to any depth.
/// - Invalid UTF-8 or UTF-16 is read, with U+FFFD in its place.
/// - If `T` is a struct, an array reads as an object without fields, and fields that `T` does not have are skipped.
///
/// It differs on purpose in these points:
///
/// - `charset=utf8` means `utf-8`. UTF-7 and UTF-32 are rejected with 415.
/// - A body over the limit is rejected as soon as that is known. Express first reads all of it.
/// - A body that stalls is rejected with 408 after [`JsonConfig::timeout`]. Express waits.
/// - Brotli streams with large windows, which are not in its standard, are rejected.
/// - A value that `T` keeps may be nested 128 levels deep, because a deeper one could overflow the stack.
///   [`StringField`](crate::StringField) has no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let options = JsonConfig::of(request).options;
        let decision = head::decide(request, payload, &options);
        let mut payload = payload.take();
        let request = request.clone();
        Box::pin(async move {
            let value = match text(&mut payload, decision, &options).await {
                Ok(text) => parse(&text, options.strict).map(|value| {
                    if options.keep_text {
                        request.extensions_mut().insert(BodyText(text));
                    }
                    Self(value)
                }),
                Err(error) => Err(error),
            };
            value.map_err(|error| JsonConfig::of(&request).convert(error, &request))
        })
    }
}

/// Returns the text of the body; empty if there is no body, or one of another type.
async fn text(
    payload: &mut Payload,
    decision: Decision,
    options: &Options,
) -> Result<String, BodyError> {
    match decision {
        Decision::NoBody => Ok(String::new()),
        Decision::Skip(framing) => {
            body_stream::drain(payload, framing).await;
            Ok(String::new())
        }
        Decision::Reject(error, framing) => {
            let drained = body_stream::drain(payload, framing).await;
            if framing == Framing::Unknown && drained == 0 {
                return Ok(String::new());
            }
            Err(error)
        }
        Decision::Read(format) => receive(payload, &format, options).await,
    }
}

/// Reads, decompresses and decodes the body, within the limits.
async fn receive(
    payload: &mut Payload,
    format: &Format,
    options: &Options,
) -> Result<String, BodyError> {
    let wire_limit = format.encoding.wire_limit(options.limit);
    let reading = body_stream::read(payload, format.length, wire_limit);
    let bytes = match timeout(options.timeout, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            if matches!(error, BodyError::TooLarge) {
                body_stream::drain(payload, format.framing).await;
            }
            return Err(error);
        }
        Err(_elapsed) => return Err(BodyError::Timeout),
    };
    let bytes = inflate(bytes, format.encoding, options.limit)?;
    Ok(charset::decode(&bytes, format.charset))
}

/// Parses the text of a body.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, strict: bool) -> Result<T, BodyError> {
    let text = if text.is_empty() { "{}" } else { text };
    let value = text.trim_matches(WHITE_SPACE);
    if strict && !value.starts_with(['{', '[']) {
        return Err(BodyError::NotObjectOrArray);
    }
    // Checks the syntax at any depth: values are skipped with a loop, without recursion.
    serde_json::from_str::<IgnoredAny>(value).map_err(BodyError::Syntax)?;
    json_value::deserialize(value).map_err(|json_value::Mismatch| {
        BodyError::UnexpectedShape(ExpectedType(std::any::type_name::<T>()))
    })
}

/// The white space of JSON, which is less than that of Unicode.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
