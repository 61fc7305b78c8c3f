//! What holds for many URLs: how a body is read, the access log, what a client says about itself, the request's name, the guards, panics, paths,
//! counting, the way out.
//!
//! Knows requests and replies as such. Never knows which URLs there are, or any handler.

pub mod access_log;
pub mod client;
pub mod closing;
pub mod json;
pub mod panics;
pub mod paths;
pub mod request_id;
pub mod request_metrics;
pub mod service_key;
pub mod session;
