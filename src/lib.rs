//! The login backend for WeChat mini programs.
pub mod error;
pub mod identity;
pub mod session;
pub mod settings;
pub mod telemetry;
