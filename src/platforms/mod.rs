//! The platforms whose users can log in, each behind its own client.

pub mod wechat;
