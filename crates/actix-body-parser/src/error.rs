//! The reasons why a body is rejected.

use std::io;

use actix_web::ResponseError;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;

/// The reason why a body was rejected.
///
/// As a response it has the status that Express's `body-parser` gives, and its message as plain text. To send another
/// response, set [`JsonConfig::error_handler`](crate::JsonConfig::error_handler). No message contains a value from the body.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is not valid JSON. 400.
    #[error("the body is not valid JSON")]
    Syntax(#[source] serde_json::Error),
    /// The body is valid JSON, but neither an object nor an array, and [`JsonConfig::strict`](crate::JsonConfig::strict)
    /// is set. 400.
    #[error("the body is neither an object nor an array")]
    NotObjectOrArray,
    /// The body is valid JSON, but does not fit the type that the handler takes. 400.
    #[error("the body does not have the expected fields and types")]
    UnexpectedShape(#[source] ExpectedType),
    /// The client disconnected before the body was complete. 400.
    #[error("request aborted")]
    Aborted(#[source] PayloadError),
    /// The body ended before its declared length. 400.
    #[error("request size did not match content length")]
    LengthMismatch,
    /// The body's transfer encoding is malformed. 400.
    #[error("the body could not be read")]
    Unreadable(#[source] PayloadError),
    /// The compressed body is damaged or cut off. 400.
    #[error("the body could not be decompressed")]
    Decompression(#[source] io::Error),
    /// The body did not arrive in time. 408.
    #[error("the body did not arrive in time")]
    Timeout,
    /// The body is larger than the limit, on the wire or after decompression. 413.
    #[error("request entity too large")]
    TooLarge,
    /// The body is not `application/json`, and
    /// [`JsonConfig::reject_other_types`](crate::JsonConfig::reject_other_types) is set. 415.
    #[error("unsupported content type")]
    UnsupportedType,
    /// The body's charset, named here in upper case, is not supported. 415.
    #[error("unsupported charset \"{0}\"")]
    UnsupportedCharset(String),
    /// The body's content encoding, named here, is not supported, or [`JsonConfig::inflate`](crate::JsonConfig::inflate) is
    /// off. 415.
    #[error("unsupported content encoding \"{0}\"")]
    UnsupportedEncoding(String),
}

/// The name of the Rust type that a body did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `{0}`")]
pub struct ExpectedType(pub &'static str);

impl BodyError {
    pub(crate) fn unsupported_charset(name: &str) -> Self {
        Self::UnsupportedCharset(printable(&name.to_ascii_uppercase()))
    }

    pub(crate) fn unsupported_encoding(name: &str) -> Self {
        Self::UnsupportedEncoding(printable(&name.to_ascii_lowercase()))
    }
}

/// Maximum length of a client's name for a charset or an encoding in a message.
const MAX_NAME_CHARS: usize = 40;

/// Removes all but visible ASCII characters, because messages are logged.
fn printable(name: &str) -> String {
    let visible = name.chars().filter(char::is_ascii_graphic);
    visible.take(MAX_NAME_CHARS).collect()
}

impl From<PayloadError> for BodyError {
    fn from(error: PayloadError) -> Self {
        if matches!(error, PayloadError::Incomplete(_) | PayloadError::Io(_)) {
            Self::Aborted(error)
        } else {
            Self::Unreadable(error)
        }
    }
}

impl ResponseError for BodyError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Syntax(_)
            | Self::NotObjectOrArray
            | Self::UnexpectedShape(_)
            | Self::Aborted(_)
            | Self::LengthMismatch
            | Self::Unreadable(_)
            | Self::Decompression(_) => StatusCode::BAD_REQUEST,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedType | Self::UnsupportedCharset(_) | Self::UnsupportedEncoding(_) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
        }
    }
}
