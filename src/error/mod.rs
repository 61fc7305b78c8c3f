//! Everything that can go wrong, as a client sees it: one closed table of status, name and sentences.

mod api_error;
mod code;
mod conversions;
mod definition;
mod table;
#[cfg(test)]
mod table_tests;

pub use api_error::{ApiError, JSON, PlatformRejection};
pub use conversions::code_for;
pub use definition::ErrorDefinition;
pub use table::ErrorCode;

pub(crate) use api_error::{ErrorReply, WechatRejection};
