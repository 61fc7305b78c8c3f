//! The parts of an error's definition.

use actix_web::http::StatusCode;

use crate::error::definition::ErrorDefinition;
use crate::error::table::ErrorCode;

impl ErrorCode {
    /// Returns the HTTP status.
    pub const fn status(self) -> StatusCode {
        self.definition().status
    }

    /// Returns the stable name that clients compare.
    pub const fn name(self) -> &'static str {
        self.definition().name
    }
}

impl From<ErrorCode> for ErrorDefinition {
    fn from(code: ErrorCode) -> Self {
        code.definition()
    }
}
