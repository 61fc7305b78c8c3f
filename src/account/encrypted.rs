//! Decrypts the data that a mini program's events contain, with the session keys of the user's session.

use std::time::Duration;

use jiff::Timestamp;

use crate::account::error::Error;
use crate::platforms::{DecryptionTerms, EncryptedData, Fields, Platforms};
use crate::sessions::CurrentSession;

/// Decrypts encrypted data.
#[derive(Debug, Clone)]
pub struct Decryption {
    platforms: Platforms,
    max_age: Duration,
}

impl Decryption {
    /// Accepts data created at most `max_age` before or, as clocks differ, after the request.
    pub fn new(platforms: Platforms, max_age: Duration) -> Self {
        Self { platforms, max_age }
    }

    /// Decrypts the data, and returns its fields without openid and unionid, which are not for the client.
    ///
    /// Tries the session's keys, newest first: data that was fetched just before a login is encrypted under the previous key.
    ///
    /// # Errors
    /// [`Error::SessionKeyStale`] for every failure: a reason would help an attacker more than a developer.
    pub fn decrypt(
        &self,
        current: &CurrentSession,
        data: &EncryptedData<'_>,
        now: Timestamp,
    ) -> Result<Fields, Error> {
        let terms = DecryptionTerms {
            app_id: current.app().id(),
            now,
            max_age: self.max_age,
        };
        let platform = self.platforms.get(current.app().platform());
        let keys = current.session_keys();
        let mut decrypted = keys
            .iter()
            .filter_map(|key| platform.decrypt(key, data, &terms));
        let decrypted = decrypted.next().ok_or(Error::SessionKeyStale)?;
        if decrypted.was_repaired {
            log::info!("a client sent encrypted data in which a form had turned `+` into a space");
        }
        Ok(decrypted.fields)
    }
}
