//! Phone numbers that are kept with their users.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::account::error::Error;
use crate::identity::{KeyedDigest, PhoneNumber, PhoneText, UserId};
use crate::session::{CryptoError, DataKeys, Sealed, User};
use crate::store::{KeptNumber, Store, UserKey};

/// The country code of a number that is searched for without one.
const CHINA: &str = "86";

/// Separates the digests of phone numbers from others under the same key.
const PURPOSE: &str = "phone number";

/// Keeps phone numbers, shows them and finds their users.
#[derive(Clone)]
pub struct KeptPhoneNumbers {
    store: Arc<dyn Store>,
    keys: Arc<DataKeys>,
    keeps_new: bool,
}

/// A kept phone number.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptPhoneNumber {
    /// The number, prefixed with the country code if it is foreign.
    pub phone_number: PhoneText,
    /// The number without its country code.
    pub pure_phone_number: PhoneText,
    /// The country code, such as `86`.
    pub country_code: String,
}

impl KeptPhoneNumbers {
    /// Shows the kept numbers, and keeps new ones only if `keeps_new`.
    pub fn new(store: Arc<dyn Store>, keys: Arc<DataKeys>, keeps_new: bool) -> Self {
        Self {
            store,
            keys,
            keeps_new,
        }
    }

    /// Keeps the number of an exchange, if the settings want it. Replaces an earlier one.
    pub(super) async fn keep(&self, user: UserId, number: &PhoneNumber) -> Result<(), Error> {
        if !self.keeps_new {
            return Ok(());
        }
        let (code, pure) = (&*number.country_code, number.pure_phone_number.expose());
        let text = Zeroizing::new([number.phone_number.expose(), pure, code].join("\n"));
        let sealed = self.keys.seal(&text, &user.0)?;
        let digest = self.digests(code, pure).into_iter().next();
        let digest = digest.ok_or(CryptoError::NoDataKey)?;
        let kept = KeptNumber { sealed, digest };
        let is_kept = self.store.keep_phone_number(user, kept).await?;
        is_kept.then_some(()).ok_or(Error::UserGone)
    }

    /// Decrypts the user's kept number. `None` if there is none, or its key has been removed from the settings.
    pub fn of(&self, user: &User) -> Option<KeptPhoneNumber> {
        self.open(user.id, user.phone_number.as_ref()?)
    }

    /// Decrypts a number that was sealed for this user.
    pub(crate) fn open(&self, user: UserId, sealed: &Sealed) -> Option<KeptPhoneNumber> {
        let text = self.keys.open(sealed, &user.0)?;
        let mut parts = text.split('\n');
        Some(KeptPhoneNumber {
            phone_number: PhoneText::new(parts.next()?),
            pure_phone_number: PhoneText::new(parts.next()?),
            country_code: parts.next()?.to_owned(),
        })
    }

    /// Finds the users who have shared this number. It has its country code after a `+`, else it is
    /// Chinese. Blanks and punctuation are ignored.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn users(&self, number: &PhoneText) -> Result<Vec<User>, Error> {
        let text = number.expose();
        let code = if text.trim_start().starts_with('+') {
            ""
        } else {
            CHINA
        };
        let key = UserKey::PhoneNumber(self.digests(code, text));
        Ok(self.store.find_users(key).await?)
    }

    /// Returns the digests of a number, which is its digits with the country code.
    fn digests(&self, code: &str, number: &str) -> Vec<KeyedDigest> {
        let digits = code.chars().chain(number.chars());
        let digits: String = digits.filter(char::is_ascii_digit).collect();
        self.keys.digests(PURPOSE, &Zeroizing::new(digits))
    }
}

impl fmt::Debug for KeptPhoneNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptPhoneNumbers").finish_non_exhaustive()
    }
}

impl fmt::Debug for KeptPhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptPhoneNumber(***)")
    }
}
