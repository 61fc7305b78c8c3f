//! Reads a body off the wire, no further and no longer than it may.
//!
//! Knows how much may be read. Never knows what the bytes mean.

use std::io;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::error::{ApiError, ErrorCode};

/// Why a body was not read.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) client_gone: bool,
    cause: Option<io::Error>,
}

/// What is left of a body that is refused before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// Actix closes the connection after the reply unless this has been read.
    Declared(usize),
    /// Perhaps nothing: actix's test requests and HTTP/2 need not declare a length.
    Undeclared,
    /// A chunked body, which actix reads on after the reply, or an upgrade, which has no end.
    LeftToActix,
}

/// What is drained at most, so that a connection survives: ten times what may be sent by default.
const DRAINED_BYTES: usize = 1024 * 1024;
/// How long draining waits for the next bytes. A client that waits for our reply gets it then.
const DRAIN_PAUSE: Duration = Duration::from_millis(100);
/// How long draining takes at most.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Reads the body to its declared length, or to its end if none is declared.
///
/// # Errors
/// [`ErrorCode::BodyTooLarge`] as soon as the limit is passed; [`ErrorCode::MalformedBody`] if the
/// chunks make no sense or the client went away.
pub(super) async fn read(
    payload: &mut Payload,
    length: Option<usize>,
    limit: usize,
) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    // Stops by itself at the length: the payload of a request with `Upgrade` does not end there.
    while length.is_none_or(|length| body.len() < length) {
        let Some(chunk) = payload.next().await else {
            break;
        };
        let chunk = chunk.map_err(Refusal::from)?;
        let wanted = length.map_or(chunk.len(), |length| length - body.len());
        let chunk = chunk.get(..wanted).unwrap_or(&chunk);
        if body.len() + chunk.len() > limit {
            return Err(ErrorCode::BodyTooLarge.into());
        }
        body.extend_from_slice(chunk);
    }
    if length.is_some_and(|length| body.len() < length) {
        return Err(ErrorCode::MalformedBody.into());
    }
    Ok(body)
}

/// Reads and forgets the rest of a refused body if it is small and on its way, so that the
/// connection can be used again. Returns how many bytes there were.
pub(super) async fn drain(payload: &mut Payload, unread: Unread) -> usize {
    match unread {
        Unread::LeftToActix => return 0,
        Unread::Declared(length) if length > DRAINED_BYTES => return 0,
        Unread::Declared(_) | Unread::Undeclared => {}
    }
    let mut drained = 0;
    let draining = async {
        while drained <= DRAINED_BYTES {
            match timeout(DRAIN_PAUSE, payload.next()).await {
                Ok(Some(Ok(chunk))) => drained += chunk.len(),
                Ok(Some(Err(_)) | None) | Err(_) => break,
            }
        }
    };
    // Out of time only means that actix closes the connection after the reply.
    timeout(DRAIN_TIME, draining).await.ok();
    drained
}

impl Refusal {
    /// A refusal of bytes that make no sense.
    pub(super) fn malformed(cause: io::Error) -> Self {
        Self {
            code: ErrorCode::MalformedBody,
            client_gone: false,
            cause: Some(cause),
        }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            client_gone: false,
            cause: None,
        }
    }
}

impl From<PayloadError> for Refusal {
    fn from(error: PayloadError) -> Self {
        Self {
            client_gone: matches!(error, PayloadError::Incomplete(_) | PayloadError::Io(_)),
            ..Self::malformed(io::Error::other(error))
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let error = Self::from(refusal.code);
        match refusal.cause {
            Some(cause) => error.because(cause),
            None => error,
        }
    }
}
