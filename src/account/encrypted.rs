//! Decrypts the data that a mini program's events contain, with the session keys of the user's session.

use std::time::Duration;

use jiff::Timestamp;

use crate::account::error::Error;
use crate::account::session_key::require_mini_program;
use crate::account::unionids::UnionIds;
use crate::platforms::{
    DecryptError, Decrypted, DecryptionTerms, EncryptedData, Fields, Platforms,
};
use crate::sessions::CurrentSession;

/// Decrypts encrypted data.
#[derive(Debug, Clone)]
pub struct Decryption {
    platforms: Platforms,
    max_age: Duration,
    unionids: UnionIds,
}

impl Decryption {
    /// Accepts data created at most `max_age` before or, as clocks differ, after the request.
    /// A unionid in the data is stored in `unionids`.
    pub fn new(platforms: Platforms, max_age: Duration, unionids: UnionIds) -> Self {
        Self {
            platforms,
            max_age,
            unionids,
        }
    }

    /// Decrypts the data, and returns its fields without openid and unionid, which are not for the client. Stores the unionid if
    /// it is new.
    ///
    /// Tries the session's keys, newest first: data that was fetched just before a login is encrypted under the previous key.
    ///
    /// # Errors
    /// [`Error::EncryptedDataMalformed`] if no key can decrypt the data; [`Error::NotDecrypted`] for every other failure, with
    /// the reason for the log.
    pub async fn decrypt(
        &self,
        current: &CurrentSession,
        data: &EncryptedData<'_>,
        now: Timestamp,
    ) -> Result<Fields, Error> {
        let Decrypted {
            fields,
            unionid,
            was_repaired,
        } = self.open(current, data, now)?;
        if was_repaired {
            log::info!("a client sent encrypted data in which a form had turned `+` into a space");
        }
        if let Some(unionid) = unionid {
            self.unionids.learn_decrypted(current, &unionid, now).await;
        }
        Ok(fields)
    }

    fn open(
        &self,
        current: &CurrentSession,
        data: &EncryptedData<'_>,
        now: Timestamp,
    ) -> Result<Decrypted, Error> {
        require_mini_program(current)?;
        let terms = DecryptionTerms {
            app_id: current.app().id(),
            now,
            max_age: self.max_age,
        };
        let platform = self.platforms.get(current.app().platform());
        let mut reason = DecryptError::WrongKey;
        for key in current.session_keys() {
            match platform.decrypt(&key, data, &terms) {
                Ok(decrypted) => return Ok(decrypted),
                Err(flaw @ DecryptError::Malformed(_)) => {
                    return Err(Error::EncryptedDataMalformed(flaw));
                }
                Err(other) => reason = reason.max(other),
            }
        }
        Err(Error::NotDecrypted(reason))
    }
}
