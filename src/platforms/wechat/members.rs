//! What a client may see of the data that its events handed over encrypted.
//!
//! Knows which members name a user to WeChat. Never knows how data is opened.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::platforms::wechat::encrypted_data::Opened;

/// What was inside encrypted data, as WeChat wrote it, but without the members that name a user to WeChat: `openId` and
/// `unionId`. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Members(Map<String, Value>);

impl Opened {
    /// What of it is for the client. `None` if it is no JSON object, which it is whenever it has been opened.
    pub fn for_client(&self) -> Option<Members> {
        let mut members: Map<String, Value> = serde_json::from_str(&self.json).ok()?;
        for name in ["openId", "unionId"] {
            members.remove(name);
        }
        Some(Members(members))
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Members(***)")
    }
}
