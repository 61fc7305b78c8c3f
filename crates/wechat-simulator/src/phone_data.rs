//! Which encrypted phone numbers WeChat has made, by which checkEncryptedData tells true ones from forged ones.
//!
//! Knows digests and moments, for three days.
//! Never knows what was encrypted, or for whom.
//!
//! Memory: the [`MOST_REMEMBERED`] newest.

use std::collections::VecDeque;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::identifiers::hexadecimal;

/// How many are remembered. Our choice.
const MOST_REMEMBERED: usize = 10_000;

/// Source: [checkEncryptedData](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/checkEncryptedData.html).
const REMEMBERED_FOR: Duration = Duration::from_hours(72);

/// All encrypted phone numbers, oldest first.
#[derive(Default)]
pub(super) struct PhoneData(VecDeque<Made>);

struct Made {
    app_id: String,
    /// Of the base64 text and of the bytes: the page does not say which of the two it means.
    digests: [String; 2],
    at: Duration,
}

impl PhoneData {
    pub(super) fn push(&mut self, app_id: &str, text: &str, bytes: &[u8], now: Duration) {
        if self.0.len() >= MOST_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(Made {
            app_id: app_id.to_owned(),
            digests: [text.as_bytes(), bytes].map(|made| hexadecimal(&Sha256::digest(made))),
            at: now,
        });
    }

    /// When the text of that digest was made for the app, if that was in the last three days.
    pub(super) fn made_at(&self, app_id: &str, digest: &str, now: Duration) -> Option<Duration> {
        let mut made = self.0.iter().rev();
        let made = made.find(|made| {
            let known = made.digests.iter();
            made.app_id == app_id && known.into_iter().any(|known| known == digest)
        })?;
        (now < made.at.saturating_add(REMEMBERED_FOR)).then_some(made.at)
    }
}
