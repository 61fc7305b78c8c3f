//! The login backend for WeChat mini programs.
pub mod error;
pub mod identity;
pub mod middleware;
pub mod session;
