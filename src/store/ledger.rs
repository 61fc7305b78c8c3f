//! The ledger: small records that one holder at a time may write, each with an end.
//!
//! Knows who may write a record and until when. Never knows what is in one: it is sealed.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::session::{CryptoError, Sealed};

/// Names a record. A digest, so that a name made from a secret does not tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LedgerKey(pub [u8; 32]);

/// Who claims a record: random, and new for each attempt that must not run beside another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub [u8; 16]);

/// Tells one kept value of a record from the next. Random, so that a record that was swept out and made anew does not
/// come back to a version that somebody remembers, as a counter would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub i64);

/// One wish to read a record, or else to become the one who writes it.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Which record.
    pub key: LedgerKey,
    /// Who asks. Whoever holds the record already gets it again, with a new end.
    pub holder: Holder,
    /// When.
    pub now: Timestamp,
    /// How long the caller wants to hold the record if there is no value in it: the lease.
    pub until: Timestamp,
    /// The version of a value that will not do.
    pub stale: Option<Version>,
}

/// What a claim gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// There is a value, neither expired nor the stale one; also while somebody else is about to replace it.
    Kept {
        /// The value.
        value: Sealed,
        /// Which value of the record it is.
        version: Version,
        /// When it expires. That very instant counts as over.
        expires_at: Timestamp,
    },
    /// The caller holds the record and is the one to keep a value, or to release it.
    Yours,
    /// Somebody else holds the record.
    Held {
        /// When they hold it no longer, whatever happens.
        until: Timestamp,
    },
}

impl LedgerKey {
    /// The name of a record: a digest over what it is for and what tells it from others, each with its length before it.
    pub fn of(purpose: &str, parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in std::iter::once(&purpose).chain(parts) {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            digest.update(length.to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

impl Holder {
    /// A holder like no other.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none.
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
