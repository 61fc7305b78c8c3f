//! The keys by which a mini program encrypts what it sends to its own server: the last three of each user.
//!
//! Knows versions and lifetimes.
//! Never knows what is encrypted, or who asks.
//!
//! Memory: three numbers for each of the [`MOST_USERS`] users who asked last.

use std::collections::VecDeque;
use std::time::Duration;

use super::identifiers::Identifiers;
use super::recent::Recent;

/// How many users' keys are remembered. Our choice.
const MOST_USERS: usize = 10_000;

/// Source: [getUserEncryptKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/internet/getUserEncryptKey.html).
const LIFETIME: Duration = Duration::from_hours(1);
const MOST_VERSIONS: usize = 3;

/// One of a user's keys, as `wx.getUserCryptoManager` gives it to the client and getUserEncryptKey to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptKey {
    /// The base64 text of 16 bytes.
    pub encrypt_key: String,
    /// 16 hexadecimal digits.
    pub iv: String,
    /// Counts from 1.
    pub version: u64,
    /// For how many seconds more it is to be used.
    pub expire_in: u64,
    /// When it was made, in seconds since the Unix epoch.
    pub create_time: u64,
}

/// Shows no key.
impl std::fmt::Debug for EncryptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptKey")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The keys of all users.
pub(super) struct EncryptKeys {
    identifiers: Identifiers,
    /// By openid: versions and when they were made, newest first.
    made: Recent<VecDeque<(u64, Duration)>>,
}

impl EncryptKeys {
    pub(super) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            made: Recent::holding(MOST_USERS),
        }
    }

    /// The user's last keys, newest first, which is a new one if the last has expired.
    pub(super) fn latest(&mut self, openid: &str, now: Duration) -> Vec<EncryptKey> {
        let identifiers = self.identifiers;
        let made = self.made.touch(openid, VecDeque::new);
        let (version, at) = made.front().copied().unwrap_or_default();
        if version == 0 || at.saturating_add(LIFETIME) <= now {
            made.push_front((version + 1, now));
            made.truncate(MOST_VERSIONS);
        }
        made.iter()
            .map(|(version, at)| {
                let (encrypt_key, iv) = identifiers.encrypt_key(openid, *version);
                let expires_at = at.saturating_add(LIFETIME);
                EncryptKey {
                    encrypt_key,
                    iv,
                    version: *version,
                    expire_in: expires_at.saturating_sub(now).as_secs(),
                    create_time: at.as_secs(),
                }
            })
            .collect()
    }
}
