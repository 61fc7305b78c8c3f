//! Reads a body from the connection, within its limits.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::rt::time::timeout;
use futures_util::StreamExt;

use crate::error::BodyError;

/// The end of a body, as far as it is known before the body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `Content-Length` says it. If the body is not read to its end, actix closes the connection after the response.
    Length(usize),
    /// Not declared, as in actix's test requests and in HTTP/2. The body may be empty.
    Unknown,
    /// A chunked body, which actix reads to its end by itself, or an upgraded connection, which has no end.
    ChunkedOrUpgrade,
}

/// Maximum number of bytes to drain so that a connection can be used again: ten times the default limit of a body.
const MAX_DRAINED_BYTES: usize = 1024 * 1024;
/// Maximum wait for the next bytes while draining. A client that sends nothing waits for the response.
const DRAIN_PAUSE: Duration = Duration::from_millis(100);
/// Maximum time for draining.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads the body to its declared length, or to its end if none is declared.
///
/// # Errors
/// [`BodyError::TooLarge`] as soon as the limit is exceeded; [`BodyError::Aborted`], [`BodyError::LengthMismatch`] or
/// [`BodyError::Unreadable`] if the body is incomplete or its chunks are malformed.
pub(crate) async fn read(
    payload: &mut Payload,
    length: Option<usize>,
    limit: usize,
) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    // The payload of a request with `Upgrade` does not end at the declared length.
    while length.is_none_or(|length| body.len() < length) {
        let Some(chunk) = payload.next().await else {
            break;
        };
        let chunk = chunk?;
        let missing = length.map_or(chunk.len(), |length| length - body.len());
        let chunk = chunk.get(..missing).unwrap_or(&chunk);
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(chunk);
    }
    if length.is_some_and(|length| body.len() < length) {
        return Err(BodyError::LengthMismatch);
    }
    Ok(body)
}

/// Discards the rest of a rejected body if it is small and arrives soon, so that the connection can be used again. Returns the
/// number of bytes discarded.
pub(crate) async fn drain(payload: &mut Payload, framing: Framing) -> usize {
    match framing {
        Framing::ChunkedOrUpgrade => return 0,
        Framing::Length(length) if length > MAX_DRAINED_BYTES => return 0,
        Framing::Length(_) | Framing::Unknown => {}
    }
    let mut drained = 0;
    let draining = async {
        while drained <= MAX_DRAINED_BYTES {
            match timeout(DRAIN_PAUSE, payload.next()).await {
                Ok(Some(Ok(chunk))) => drained += chunk.len(),
                Ok(Some(Err(_)) | None) | Err(_) => break,
            }
        }
    };
    // After a timeout, actix closes the connection after the response.
    timeout(DRAIN_TIMEOUT, draining).await.ok();
    drained
}
