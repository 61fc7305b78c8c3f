//! Authenticated encryption of the secrets that the store keeps: AES-256-GCM under keys derived with HKDF-SHA256.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;

/// A failed cryptographic operation.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CryptoError {
    /// The operating system returned no random bytes.
    #[error("the operating system returned no random bytes: {0}")]
    NoRandomness(getrandom::Error),
    /// The settings have no key for personal data.
    #[error("`user.data_keys` has no key")]
    NoDataKey,
    /// The plaintext is longer than the cipher allows (64 GiB).
    #[error("the secret is too long to be sealed")]
    TooLong,
}

/// Returns random bytes from the operating system.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(CryptoError::NoRandomness)?;
    Ok(bytes)
}

/// An encrypted secret as the store keeps it: a nonce followed by AES-256-GCM ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// An encryption key, derived with HKDF-SHA256 from a secret that the store does not hold.
pub struct Seal(Aes256Gcm);

impl Seal {
    /// Derives the key for one purpose. Each purpose gives a different key.
    pub fn new(secret: &[u8], purpose: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        // HKDF-SHA256 outputs up to 8160 bytes, so 32 never fail.
        let expanded = Hkdf::<Sha256>::new(None, secret).expand(purpose, key.as_mut_slice());
        debug_assert!(expanded.is_ok(), "32 bytes are within HKDF's bounds");
        Self(Aes256Gcm::new(&(*key).into()))
    }

    /// Encrypts a secret and binds it to `context`: it decrypts only with the same context.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none for the nonce.
    pub fn seal(&self, secret: &str, context: &[u8]) -> Result<Sealed, CryptoError> {
        let nonce: [u8; NONCE_BYTES] = random_bytes()?;
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: context,
        };
        let ciphertext = self
            .0
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_opaque| CryptoError::TooLong)?;
        Ok(Sealed([nonce.as_slice(), &ciphertext].concat()))
    }

    /// Decrypts the output of [`Seal::seal`]. `None` if the key or the context differs, or the bytes were altered.
    pub fn open(&self, sealed: &Sealed, context: &[u8]) -> Option<Zeroizing<String>> {
        let (nonce, ciphertext) = sealed.0.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: context,
        };
        let secret = Zeroizing::new(self.0.decrypt(&Nonce::from(*nonce), payload).ok()?);
        std::str::from_utf8(&secret)
            .ok()
            .map(|text| Zeroizing::new(text.to_owned()))
    }
}
