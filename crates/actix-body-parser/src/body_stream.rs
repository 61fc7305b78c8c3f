//! Reads a body from the connection, within its limits.

use std::mem;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
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
) -> Result<Bytes, BodyError> {
    let mut body = Body::default();
    // The payload of a request with `Upgrade` does not end at the declared length.
    while length.is_none_or(|length| body.len() < length) {
        let Some(chunk) = payload.next().await else {
            break;
        };
        let mut chunk = chunk?;
        if let Some(length) = length {
            chunk.truncate(length - body.len());
        }
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge);
        }
        body.push(chunk, length);
    }
    if length.is_some_and(|length| body.len() < length) {
        return Err(BodyError::LengthMismatch);
    }
    Ok(body.into_bytes())
}

/// The chunks of a body. A single one is not copied: thousands of slow clients may each have sent one.
#[derive(Default)]
struct Body {
    only: Bytes,
    joined: Vec<u8>,
}

impl Body {
    fn len(&self) -> usize {
        self.only.len() + self.joined.len()
    }

    /// Adds a chunk. `length` is that of the whole body, which is within its limit.
    fn push(&mut self, chunk: Bytes, length: Option<usize>) {
        if self.len() == 0 {
            self.only = chunk;
            return;
        }
        if self.joined.is_empty() {
            let first = mem::take(&mut self.only);
            // A buffer that grows in steps takes twice the memory while it is copied.
            self.joined
                .reserve_exact(length.unwrap_or(first.len() + chunk.len()));
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&chunk);
    }

    fn into_bytes(self) -> Bytes {
        if self.joined.is_empty() {
            self.only
        } else {
            self.joined.into()
        }
    }
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
