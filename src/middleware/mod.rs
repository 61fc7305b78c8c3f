//! What holds for many URLs: how a body is read, the access log, what a client says about itself, the request's name, the guard, panics, paths.
//!
//! Knows requests and replies as such. Never knows which URLs there are, or any handler.

pub mod access_log;
pub mod client;
pub mod json;
pub mod panics;
pub mod paths;
pub mod request_id;
pub mod session;
