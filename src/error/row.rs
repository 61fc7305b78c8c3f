//! What a row of the table is made of, and how its parts are told.
//!
//! Never knows which rows there are.

use actix_web::http::StatusCode;

use crate::error::ErrorCode;

pub(super) struct Row {
    status: StatusCode,
    name: &'static str,
    message: &'static str,
}

pub(super) const fn row(status: StatusCode, name: &'static str, message: &'static str) -> Row {
    Row {
        status,
        name,
        message,
    }
}

impl ErrorCode {
    /// The HTTP status that goes with the row.
    pub const fn status(self) -> StatusCode {
        self.row().status
    }

    /// The stable name that clients compare.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The sentence for the client's developer: what is wrong and what to do.
    pub const fn message(self) -> &'static str {
        self.row().message
    }
}
