//! The definition of an error: its status, name and sentence.

use actix_web::http::StatusCode;

/// An error as the API defines it. Define those of your own handlers as constants:
///
/// ```
/// use actix_web::http::StatusCode;
/// use weapp_login::error::{ApiError, ErrorDefinition};
///
/// const TABLE_TAKEN: ErrorDefinition =
///     ErrorDefinition::new(StatusCode::CONFLICT, "table_taken", "The table is taken: choose another one.");
///
/// fn reserve(taken: bool) -> Result<(), ApiError> {
///     if taken { Err(TABLE_TAKEN.into()) } else { Ok(()) }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorDefinition {
    /// The HTTP status of the response.
    pub status: StatusCode,
    /// The stable name that clients compare.
    pub name: &'static str,
    /// The sentence for the client's developer: what is wrong and what to do.
    pub message: &'static str,
}

impl ErrorDefinition {
    /// Defines an error.
    pub const fn new(status: StatusCode, name: &'static str, message: &'static str) -> Self {
        Self {
            status,
            name,
            message,
        }
    }
}
