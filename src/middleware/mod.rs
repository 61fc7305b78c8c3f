//! What holds for many URLs: how a JSON body is read, and the access log.
//!
//! Knows requests and replies as such. Never knows which URLs there are, or any handler.

pub mod access_log;
pub mod json;
