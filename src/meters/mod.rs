//! What stands around the store and the calls to WeChat, and times them.
//!
//! Knows which label each operation and each failure gets. Never knows who asked, or how a number is kept.

mod store;
mod wechat;

pub use store::MeteredStore;
pub use wechat::{errcode, watch};
