//! The login backend for WeChat mini programs.

pub mod error;
pub mod identity;
pub mod login;
pub mod readiness;
pub mod session;
pub mod store;
pub mod wechat;
