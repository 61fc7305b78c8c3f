//! The keys for personal data that outlives an AppSecret: phone numbers, and digests that find them.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::identity::{DataKey, KeyedDigest};
use crate::session::seal::{CryptoError, Seal, Sealed};

/// The keys of `user.data_keys`. The first one seals; every one opens and computes digests, so that keys can be rotated.
pub struct DataKeys(Vec<Key>);

struct Key {
    seal: Seal,
    /// As long as a block of SHA-256, which is the length of an HMAC key.
    digest: Zeroizing<[u8; 64]>,
}

impl DataKeys {
    /// Derives the keys.
    pub fn new(keys: &[DataKey]) -> Self {
        Self(keys.iter().map(Key::derive).collect())
    }

    /// Encrypts a text under the first key and binds it to `context`.
    ///
    /// # Errors
    /// [`CryptoError::NoDataKey`] if there is no key.
    pub fn seal(&self, text: &str, context: &[u8]) -> Result<Sealed, CryptoError> {
        let key = self.0.first().ok_or(CryptoError::NoDataKey)?;
        key.seal.seal(text, context)
    }

    /// Decrypts the output of [`DataKeys::seal`]. `None` if its key has been removed.
    pub fn open(&self, sealed: &Sealed, context: &[u8]) -> Option<Zeroizing<String>> {
        self.0.iter().find_map(|key| key.seal.open(sealed, context))
    }

    /// Computes the digest of an identifier under each key, the first key first. Equal texts of different purposes have
    /// different digests.
    pub fn digests(&self, purpose: &str, text: &str) -> Vec<KeyedDigest> {
        let digest = |key: &Key| key.digest(purpose, text);
        self.0.iter().map(digest).collect()
    }
}

impl Key {
    fn derive(secret: &DataKey) -> Self {
        let secret = secret.expose().as_bytes();
        let mut digest = Zeroizing::new([0; 64]);
        let expanded = Hkdf::<Sha256>::new(None, secret)
            .expand(b"weapp-login digest v1", digest.as_mut_slice());
        debug_assert!(expanded.is_ok(), "64 bytes are within HKDF's bounds");
        Self {
            seal: Seal::new(secret, b"weapp-login personal data v1"),
            digest,
        }
    }

    fn digest(&self, purpose: &str, text: &str) -> KeyedDigest {
        let mut hmac = Hmac::<Sha256>::new(&(*self.digest).into());
        // A purpose has no zero byte.
        for part in [purpose.as_bytes(), &[0], text.as_bytes()] {
            hmac.update(part);
        }
        KeyedDigest(hmac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> DataKeys {
        let keys: Vec<_> = names.iter().map(|name| DataKey::new(*name)).collect();
        DataKeys::new(&keys)
    }

    #[test]
    fn a_former_key_opens_and_the_first_one_seals() {
        let old = keys(&["old"]).seal("13580006666", b"mei").unwrap();
        let both = keys(&["new", "old"]);
        assert_eq!(&**both.open(&old, b"mei").unwrap(), "13580006666");
        assert!(both.open(&old, b"bo").is_none(), "bound to its context");
        let new = both.seal("1", b"mei").unwrap();
        assert!(keys(&["old"]).open(&new, b"mei").is_none());
        assert!(keys(&["new"]).open(&new, b"mei").is_some());
        let none = keys(&[]).seal("1", b"mei");
        assert!(matches!(none, Err(CryptoError::NoDataKey)));
    }

    #[test]
    fn a_digest_depends_on_key_purpose_and_text() {
        let both = keys(&["new", "old"]).digests("phone", "1");
        assert_eq!(both[1..], keys(&["old"]).digests("phone", "1"));
        assert_ne!(both[0], both[1]);
        let old = keys(&["old"]);
        assert_ne!(old.digests("phone", "1"), old.digests("phone", "2"));
        assert_ne!(old.digests("phone", "1"), old.digests("union", "1"));
    }
}
