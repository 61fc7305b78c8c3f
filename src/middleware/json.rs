//! The JSON configuration: how bodies are read, and which errors they become.

use actix_body_parser::BodyError;
use actix_web::{HttpMessage as _, HttpRequest};

pub use actix_body_parser::{BodyText, Json, JsonConfig, StringField};

use crate::error::{ApiError, ErrorCode};
use crate::settings::{self, Profile};

/// Left in a request's extensions if its client disconnected before the body was complete, so that no client can have
/// received the response.
#[derive(Debug, Clone, Copy)]
pub struct ClientDisconnected;

/// Returns the configuration for all routes. In development it keeps the texts of bodies, for the log.
pub fn config(settings: &settings::Json, profile: Profile) -> JsonConfig {
    JsonConfig::default()
        .limit(settings.limit)
        .strict(settings.strict)
        .reject_other_types(settings.reject_other_types)
        .inflate(settings.inflate)
        .timeout(settings.body_timeout())
        .keep_text(profile == Profile::Development)
        .error_handler(|error, request| api_error(error, request).into())
}

fn api_error(error: BodyError, request: &HttpRequest) -> ApiError {
    let code = match &error {
        BodyError::Syntax(_) | BodyError::NotObjectOrArray => ErrorCode::MalformedJson,
        BodyError::UnexpectedShape(_) => ErrorCode::UnexpectedBody,
        BodyError::Aborted(_) => {
            request.extensions_mut().insert(ClientDisconnected);
            ErrorCode::MalformedBody
        }
        BodyError::LengthMismatch | BodyError::Unreadable(_) | BodyError::Decompression(_) => {
            ErrorCode::MalformedBody
        }
        BodyError::Timeout => ErrorCode::BodyTimeout,
        BodyError::TooLarge => ErrorCode::BodyTooLarge,
        BodyError::UnsupportedType => ErrorCode::UnsupportedMediaType,
        BodyError::UnsupportedCharset(_) => ErrorCode::UnsupportedCharset,
        BodyError::UnsupportedEncoding(_) => ErrorCode::UnsupportedEncoding,
    };
    ApiError::from(code).with_cause(error)
}
