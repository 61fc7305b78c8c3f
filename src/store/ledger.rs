//! The ledger: small sealed records with an expiry, which one holder at a time may write.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::session::{CryptoError, Sealed};

/// Identifies a record. A digest, so that a key made from a secret does not reveal it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LedgerKey(pub [u8; 32]);

/// Identifies the holder of a lease: random, and different for concurrent attempts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub [u8; 16]);

/// Identifies one value of a record. Random, because a counter would repeat if the record is swept and created again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub i64);

/// A request to read a record, or else to take the lease on it.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The record.
    pub key: LedgerKey,
    /// The caller. A holder that claims again extends its lease.
    pub holder: Holder,
    /// Time of the claim.
    pub now: Timestamp,
    /// End of the lease, if the caller takes it.
    pub until: Timestamp,
    /// Version of a value that the caller cannot use.
    pub stale: Option<Version>,
}

/// Result of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// There is a value that is neither expired nor stale. Another holder may be about to replace it.
    Kept {
        /// The value.
        value: Sealed,
        /// Version of the value.
        version: Version,
        /// Expiry of the value. At this instant it has expired.
        expires_at: Timestamp,
    },
    /// The caller has the lease and must keep a value or release the record.
    Yours,
    /// Another holder has the lease.
    Held {
        /// End of the lease.
        until: Timestamp,
    },
}

impl LedgerKey {
    /// Computes the digest of a purpose and of the names that identify the record, each prefixed with its length.
    pub fn of(purpose: &str, names: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in std::iter::once(&purpose).chain(names) {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            digest.update(length.to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

impl Holder {
    /// Generates a random holder.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system returns no random bytes.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(CryptoError::NoRandomness)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder(…)")
    }
}
