//! The definition of an error: its status, name and sentences.

use actix_web::http::StatusCode;

use crate::language::Language;

/// An error as the API defines it. Define those of your own handlers as constants:
///
/// ```
/// use actix_web::http::StatusCode;
/// use weapp_login::error::{ApiError, ErrorDefinition};
///
/// const TABLE_TAKEN: ErrorDefinition =
///     ErrorDefinition::new(StatusCode::CONFLICT, "table_taken", "The table is taken: choose another one.")
///         .in_chinese("这张桌子已被预订：请换一张。");
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
    /// The same sentence in Chinese, for clients that prefer it.
    pub chinese: Option<&'static str>,
}

impl ErrorDefinition {
    /// Defines an error.
    pub const fn new(status: StatusCode, name: &'static str, message: &'static str) -> Self {
        Self {
            status,
            name,
            message,
            chinese: None,
        }
    }

    /// Adds the sentence in Chinese. Without it, every client gets the other one.
    #[must_use]
    pub const fn in_chinese(mut self, message: &'static str) -> Self {
        self.chinese = Some(message);
        self
    }

    /// Returns the sentence in a language, if there is one, and the language that it has.
    pub(crate) fn message_in(&self, preferred: Language) -> (&'static str, Language) {
        match (preferred, self.chinese) {
            (Language::Chinese, Some(message)) => (message, Language::Chinese),
            (Language::English, _) | (Language::Chinese, None) => (self.message, Language::English),
        }
    }
}
