//! Opens what a mini program's events hand over encrypted, with the keys that its session knows.
//!
//! Knows which keys are tried and in which order. Never knows how data is encrypted, and never tells why it did not open.

use std::time::Duration;

use jiff::Timestamp;

use crate::account::Error;
use crate::platforms::wechat::encrypted_data::{Encrypted, Members, Terms, decrypt};
use crate::sessions::CurrentSession;

/// Opens encrypted data.
#[derive(Debug, Clone, Copy)]
pub struct Decryption {
    max_age: Duration,
}

impl Decryption {
    /// Opens data that was made at most this long before, or, as clocks differ, after the time of asking.
    pub fn new(max_age: Duration) -> Self {
        Self { max_age }
    }

    /// What is inside, without the user's openid and unionid, which are not for the client.
    ///
    /// The session's keys are tried newest first: data that was taken just before a login is encrypted with the key from
    /// before it.
    ///
    /// # Errors
    /// [`Error::SessionKeyStale`] whatever is wrong: a reason would tell an attacker more than it tells a developer.
    pub fn open(
        &self,
        live: &CurrentSession,
        encrypted: &Encrypted<'_>,
        now: Timestamp,
    ) -> Result<Members, Error> {
        let terms = Terms {
            app_id: live.app().id(),
            now,
            max_age: self.max_age,
        };
        let keys = live.session_keys();
        let mut opened = keys
            .iter()
            .filter_map(|key| decrypt(key, encrypted, &terms).ok());
        let opened = opened.next().ok_or(Error::SessionKeyStale)?;
        if opened.was_mended {
            log::info!("a client sent encrypted data in which a form had turned `+` into a space");
        }
        opened.for_client().ok_or(Error::SessionKeyStale)
    }
}
