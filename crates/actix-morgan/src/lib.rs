#![doc = include_str!("../README.md")]

mod entry;
mod escape;
mod format;
mod headers;
mod middleware;
mod redact;
mod request_tokens;
mod response_tokens;
#[cfg(test)]
mod tests;

pub use entry::{Answer, Fields};
pub use format::{Format, FormatError};
pub use middleware::{LINE, Logged, Morgan, Tracked, Tracker};
