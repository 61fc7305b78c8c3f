//! The field of a request that has a one-time code.

use crate::error::{ApiError, ErrorCode};
use crate::identity::MalformedCode;
use crate::middleware::json::StringField;

/// Parses a code.
///
/// # Errors
/// `code_missing`; `code_malformed`, with the cause for the log.
pub(super) fn parse<'a, T>(
    field: &'a StringField,
    parse: impl FnOnce(&'a str) -> Result<T, MalformedCode>,
) -> Result<T, ApiError> {
    match field {
        StringField::Missing => Err(ErrorCode::CodeMissing.into()),
        StringField::String(code) => parse(code)
            .map_err(|malformed| ApiError::from(ErrorCode::CodeMalformed).with_cause(malformed)),
        StringField::OtherType => {
            Err(ApiError::from(ErrorCode::CodeMalformed).with_cause("the code is not a string"))
        }
    }
}
