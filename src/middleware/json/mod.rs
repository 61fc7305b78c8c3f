//! The body of a request as JSON, read as Express's `body-parser` reads it.
//!
//! Knows the order of `body-parser`'s decisions and which refusal follows from each.
//! Never knows what a body means, or which handler asked for it.

mod declared;
mod escapes;
mod inflate;
mod member;
mod node;
mod reading;
mod text;

use std::fmt;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, IgnoredAny};

pub use crate::middleware::json::member::Text;

use crate::error::{ApiError, ErrorCode, Refuses};
use crate::middleware::json::declared::{Declared, Verdict};
use crate::middleware::json::reading::Unread;
use crate::settings;

/// The body of a request, as the value that its JSON stands for.
///
/// It agrees with `body-parser`'s `json()` about which bodies are read and which are refused:
///
/// - a request without a body, or with an empty one, reads as `{}`;
/// - a body of another type than `application/json` is left unread, and so reads as `{}`, unless
///   [`JsonConfig::refuse_other_types`] says that it is refused with 415, which shows the mistake;
/// - a cut emoji (half of a surrogate pair) is read, as U+FFFD; so are `1e400`, any depth of
///   nesting in members that `T` does not have, and repeated members, of which the last counts;
/// - text that is no UTF-8, or no UTF-16 where the charset says so, is read with U+FFFD in it;
/// - where `T` is a struct, an array reads as an object without members, and members that `T`
///   does not have are skipped without being built.
///
/// It differs on purpose in these points:
///
/// - `charset=utf8` is taken for `utf-8`; UTF-7 and UTF-32 are refused with 415.
/// - A body over the limit is refused as soon as that is known; Express first reads all of it.
/// - A body that stalls is refused with 408 after [`JsonConfig::body_timeout`]; Express waits.
/// - Brotli's large windows, which are no part of its standard, make a body malformed.
/// - A value that `T` does take may be nested 128 deep: building a deeper one could overflow the
///   stack. [`Text`] has no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// How bodies are read. Found in `app_data`; without it, the default holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonConfig {
    /// The most bytes that a body may have after inflation. 102400 by default, as in
    /// `body-parser`; a body of exactly this size is read.
    pub limit: usize,
    /// Whether only objects and arrays are taken. True by default.
    pub strict: bool,
    /// Whether a body of another type than `application/json` is refused with 415. False by
    /// default: Express leaves it unread.
    pub refuse_other_types: bool,
    /// Whether gzip, deflate and Brotli bodies are inflated; they are refused with 415 otherwise.
    /// True by default.
    pub inflate: bool,
    /// How long the whole body may take to arrive. 10 seconds by default: our choice, ample for
    /// 100 KiB over a slow radio link.
    pub body_timeout: Duration,
}

/// Left in a request's extensions when its client went away before the body was complete, so that
/// nobody can have seen the reply.
#[derive(Debug, Clone, Copy)]
pub struct ClientGone;

impl Default for JsonConfig {
    fn default() -> Self {
        Self {
            limit: 102_400,
            strict: true,
            refuse_other_types: false,
            inflate: true,
            body_timeout: Duration::from_secs(10),
        }
    }
}

impl From<&settings::Json> for JsonConfig {
    fn from(settings: &settings::Json) -> Self {
        Self {
            limit: settings.limit,
            strict: settings.strict,
            refuse_other_types: settings.refuse_other_types,
            inflate: settings.inflate,
            body_timeout: settings.body_timeout(),
        }
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let config = request
            .app_data::<JsonConfig>()
            .cloned()
            .unwrap_or_default();
        let verdict = declared::judge(request, payload, &config);
        let mut payload = payload.take();
        let request = request.clone();
        Box::pin(async move {
            let text = match verdict {
                Verdict::NoBody => String::new(),
                Verdict::Ignored(unread) => {
                    let drained = reading::drain(&mut payload, unread).await;
                    log::debug!(
                        "a body that is not application/json was left unread: {drained} bytes"
                    );
                    String::new()
                }
                Verdict::Refused(code, unread) => {
                    let drained = reading::drain(&mut payload, unread).await;
                    if unread != Unread::Undeclared || drained > 0 {
                        return Err(code.into());
                    }
                    String::new()
                }
                Verdict::Body(declared) => {
                    let body = receive(&mut payload, &declared, &config).await;
                    body.inspect_err(|error| mark_client_gone(error, &request))
                        .map_err(ApiError::from)?
                }
            };
            parse(&text, config.strict).map(Self)
        })
    }
}

/// What may be wrong with any body, and with what this one says.
impl<T: Refuses> Refuses for Json<T> {
    fn refusals() -> Vec<ErrorCode> {
        let any = [
            ErrorCode::MalformedJson,
            ErrorCode::MalformedBody,
            ErrorCode::UnexpectedBody,
            ErrorCode::BodyTimeout,
            ErrorCode::BodyTooLarge,
            ErrorCode::UnsupportedMediaType,
            ErrorCode::UnsupportedCharset,
            ErrorCode::UnsupportedEncoding,
        ];
        [&any[..], &T::refusals()].concat()
    }
}

/// Steps 5 to 8: the body's bytes, inflated and decoded, all within the limits.
async fn receive(
    payload: &mut Payload,
    declared: &Declared,
    config: &JsonConfig,
) -> Result<String, reading::Refusal> {
    let wire_limit = declared.coding.wire_limit(config.limit);
    let reading = reading::read(payload, declared.length, wire_limit);
    let bytes = match tokio::time::timeout(config.body_timeout, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(refusal)) => {
            if refusal.code == ErrorCode::BodyTooLarge {
                reading::drain(payload, declared.unread).await;
            }
            return Err(refusal);
        }
        Err(_elapsed) => return Err(ErrorCode::BodyTimeout.into()),
    };
    let bytes = inflate::inflate(bytes, declared.coding, config.limit)?;
    Ok(text::decode(&bytes, declared.charset))
}

fn mark_client_gone(refusal: &reading::Refusal, request: &HttpRequest) {
    if refusal.client_gone {
        request.extensions_mut().insert(ClientGone);
    }
}

/// Steps 9 to 11: what the text says.
fn parse<T: DeserializeOwned>(text: &str, strict: bool) -> Result<T, ApiError> {
    let text = if text.is_empty() { "{}" } else { text };
    let value = text.trim_matches(WHITE_SPACE);
    if strict && !value.starts_with(['{', '[']) {
        return Err(ApiError::from(ErrorCode::MalformedJson).because(NeitherObjectNorArray));
    }
    // The verdict on the syntax, at any depth: this skips over values with a loop, not a stack.
    serde_json::from_str::<IgnoredAny>(value)
        .map_err(|error| ApiError::from(ErrorCode::MalformedJson).because(error))?;
    node::build(value).map_err(|node::Unfit| {
        let taken = std::any::type_name::<T>();
        ApiError::from(ErrorCode::UnexpectedBody).because(UnfitFor(taken))
    })
}

/// What JSON takes for white space, which is less than Unicode does.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

#[derive(Debug, thiserror::Error)]
#[error("the body is neither an object nor an array")]
struct NeitherObjectNorArray;

/// Names the type only: a value of the client's could be a secret.
#[derive(Debug)]
struct UnfitFor(&'static str);

impl fmt::Display for UnfitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body cannot be read as `{}`", self.0)
    }
}

impl std::error::Error for UnfitFor {}

#[cfg(test)]
mod tests;
