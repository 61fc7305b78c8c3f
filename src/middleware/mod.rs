//! Middleware and extractors that many routes share.

pub mod access_log;
pub mod admin_key;
pub mod client;
pub mod client_address;
pub mod clock;
pub mod console_access;
pub mod console_events;
pub mod cors;
pub mod drain;
pub mod foreign_pages;
pub mod json;
pub mod language;
pub mod panics;
pub mod path_matching;
pub mod request_id;
pub mod request_metrics;
pub mod service_key;
pub mod session;
pub mod upload;
pub mod valid_host;
