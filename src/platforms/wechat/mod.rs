//! WeChat mini programs (微信小程序).

mod access_token;
mod client;
mod code2session;
mod code_shape;
mod diagnosis;
mod encrypted_data;
mod endpoint;
pub mod errcode;
mod paid_unionid;
mod phone;
mod platform;
mod referer;
mod reply;
mod rid;
mod session_key;
#[cfg(test)]
mod tests;
mod web_login;

pub use client::{Client, configured};
pub use code_shape::MOCK_CODE;
pub use encrypted_data::MAX_ENCRYPTED_BYTES;
pub use platform::WeChat;
pub use referer::parse_referer;
