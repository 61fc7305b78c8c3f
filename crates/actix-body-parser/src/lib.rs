#![doc = include_str!("../README.md")]

mod body_stream;
mod charset;
mod config;
mod content_type;
mod error;
mod head;
mod inflate;
mod json;
mod json_string;
mod json_value;
mod string_field;
#[cfg(test)]
mod tests;

pub use config::{BodyText, JsonConfig};
pub use error::{BodyError, ExpectedType};
pub use json::Json;
pub use string_field::StringField;
