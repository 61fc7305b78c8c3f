//! The keys with which a mini program encrypts its requests to its own server: the last three of each user.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::bounded::LruMap;
use crate::identifiers::Identifiers;

/// Maximum number of users whose keys are kept. Our choice.
const MAX_USERS: usize = 10_000;

/// Source: [getUserEncryptKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/internet/getUserEncryptKey.html).
const LIFETIME: Duration = Duration::from_hours(1);
const MAX_VERSIONS: usize = 3;

/// A user's key, as `wx.getUserCryptoManager` returns it to the client and getUserEncryptKey to the server.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct EncryptKey {
    /// 16 bytes as base64.
    pub encrypt_key: String,
    /// 16 hexadecimal digits.
    pub iv: String,
    /// The version, from 1.
    pub version: u64,
    /// Seconds until the key expires.
    pub expire_in: u64,
    /// The time of creation, in seconds since the Unix epoch.
    pub create_time: u64,
}

/// Omits the key.
impl fmt::Debug for EncryptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptKey")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The keys of the last [`MAX_USERS`] users who needed one.
pub(crate) struct EncryptKeys {
    identifiers: Identifiers,
    /// By openid: versions and times of creation, newest first.
    versions: LruMap<VecDeque<(u64, Duration)>>,
}

impl EncryptKeys {
    pub(crate) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            versions: LruMap::new(MAX_USERS),
        }
    }

    /// Returns the user's keys, newest first; creates one if there is none or the newest has expired.
    pub(crate) fn latest(&mut self, openid: &str, now: Duration) -> Vec<EncryptKey> {
        let identifiers = &self.identifiers;
        let versions = self.versions.get_or_insert_with(openid, VecDeque::new);
        let (newest, created_at) = versions.front().copied().unwrap_or_default();
        if newest == 0 || created_at.saturating_add(LIFETIME) <= now {
            versions.push_front((newest + 1, now));
            versions.truncate(MAX_VERSIONS);
        }
        let key = |&(version, created_at): &(u64, Duration)| {
            let (encrypt_key, iv) = identifiers.encrypt_key(openid, version);
            let expires_at = created_at.saturating_add(LIFETIME);
            EncryptKey {
                encrypt_key,
                iv,
                version,
                expire_in: expires_at.saturating_sub(now).as_secs(),
                create_time: created_at.as_secs(),
            }
        };
        versions.iter().map(key).collect()
    }
}
