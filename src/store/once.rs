//! Work that is done once: one caller takes the lease on a ledger record, does the work and stores the sealed result. All
//! others, in any process, wait for the result and read it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use crate::session::{CryptoError, Seal};

use crate::store::interface::{self, Store};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey, Version};
use crate::time::plus;

/// First and longest pause between two reads of a record that another caller holds. Our choice: a read takes
/// microseconds, and most work takes less than a tenth of a second.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// Maximum time to wait for other callers, in leases. A process that dies costs one lease, and so may the next one.
const WAIT_LEASES: i32 = 2;

/// The ledger record of some work, and the key that seals its result.
pub struct Record {
    key: LedgerKey,
    seal: Seal,
}

impl Record {
    /// Identifies work by its purpose and names. Only a record with the same secrets can open the result.
    pub fn new(purpose: &str, names: &[&str], secrets: &[&str]) -> Self {
        let length: usize = secrets.iter().map(|secret| secret.len() + 20).sum();
        let mut secret = Zeroizing::new(String::with_capacity(length));
        for part in secrets {
            // Writing to a string never fails.
            write!(secret, "{}:{part}", part.len()).unwrap_or_default();
        }
        Self {
            key: LedgerKey::of(purpose, names),
            seal: Seal::new(
                secret.as_bytes(),
                format!("weapp-login {purpose} v1").as_bytes(),
            ),
        }
    }
}

/// One caller's attempt to read a result or to do the work.
pub struct Once {
    store: Arc<dyn Store>,
    record: Record,
    holder: Holder,
    lease: SignedDuration,
    start: Timestamp,
    clock: Instant,
}

/// A result that was read from the ledger.
#[derive(Debug)]
pub struct Stored<'a> {
    /// The result. `None` if it was sealed with other secrets.
    pub text: Option<&'a str>,
    /// End of its validity.
    pub expires_at: Timestamp,
    /// Time of the read.
    pub now: Timestamp,
}

/// A caller's decision about a stored result.
#[derive(Debug)]
pub enum Verdict<T> {
    /// Returns it.
    Use(T),
    /// The work is still in progress: reads again later.
    Wait,
    /// Replaces it with a new result. If another caller is doing that already, returns the given value instead of
    /// waiting.
    Replace(Option<T>),
}

/// The caller's part in the work.
#[derive(Debug)]
pub enum Turn<T> {
    /// There is a result.
    Found(T),
    /// The caller has the lease. It must do the work, and then [`Once::keep`] the result or [`Once::release`] the lease.
    Leased {
        /// Time at which the lease began.
        since: Timestamp,
        /// The value of [`Verdict::Replace`].
        spare: Option<T>,
    },
}

/// A failure to read or store a result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("could not reach the ledger")]
    Store(#[from] interface::Error),
    /// The result could not be sealed.
    #[error("could not seal a result for the ledger")]
    Crypto(#[from] CryptoError),
    /// Other callers have held the lease for too long.
    #[error("another process has not finished in time")]
    TimedOut,
}

impl Once {
    /// Prepares an attempt. `lease` is the maximum duration of the work; when it has expired, another caller takes over.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system returns no random bytes.
    pub fn new(
        store: Arc<dyn Store>,
        record: Record,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            store,
            record,
            holder: Holder::generate()?,
            lease,
            start: now,
            clock: Instant::now(),
        })
    }

    /// Returns a stored result, or takes the lease to compute one. Waits while another caller has the lease.
    ///
    /// # Errors
    /// [`Error::TimedOut`] after two leases; [`Error::Store`] if the store fails.
    pub async fn read_or_lease<T>(
        &self,
        verdict: impl Fn(&Stored<'_>) -> Verdict<T>,
    ) -> Result<Turn<T>, Error> {
        let give_up_at = plus(self.start, self.lease.saturating_mul(WAIT_LEASES));
        let (mut stale, mut spare) = (None, None);
        let mut backoff = FIRST_PAUSE;
        loop {
            let now = self.now();
            let mut pause = jittered(backoff);
            match self.claim(now, stale).await? {
                Claimed::Yours => return Ok(Turn::Leased { since: now, spare }),
                Claimed::Kept {
                    value,
                    version,
                    expires_at,
                } => {
                    let text = self.record.seal.open(&value, &self.record.key.0);
                    let text = text.as_ref().map(|text| text.as_str());
                    match verdict(&Stored {
                        text,
                        expires_at,
                        now,
                    }) {
                        Verdict::Use(value) => return Ok(Turn::Found(value)),
                        Verdict::Wait => {}
                        Verdict::Replace(meanwhile) => {
                            (stale, spare) = (Some(version), meanwhile);
                            continue;
                        }
                    }
                }
                Claimed::Held { until } => match spare {
                    Some(spare) => return Ok(Turn::Found(spare)),
                    None => pause = pause.min(span(now, until)),
                },
            }
            if now >= give_up_at {
                return Err(Error::TimedOut);
            }
            sleep(pause).await;
            backoff = LONGEST_PAUSE.min(2 * backoff);
        }
    }

    /// Seals and stores the result of the work, and releases the lease. Returns `None` if the lease was lost.
    ///
    /// # Errors
    /// [`Error::Crypto`] or [`Error::Store`]. The lease then expires by itself.
    pub async fn keep(&self, text: &str, expires_at: Timestamp) -> Result<Option<Version>, Error> {
        let value = self.record.seal.seal(text, &self.record.key.0)?;
        let kept = self
            .store
            .keep(self.record.key, self.holder, value, expires_at);
        Ok(kept.await?)
    }

    /// Replaces a result that was kept before. Returns `None` if it has been replaced since.
    ///
    /// # Errors
    /// As [`Once::keep`].
    pub async fn replace(
        &self,
        version: Version,
        text: &str,
        expires_at: Timestamp,
    ) -> Result<Option<Version>, Error> {
        match self.claim(self.now(), Some(version)).await? {
            Claimed::Yours => self.keep(text, expires_at).await,
            Claimed::Kept { .. } | Claimed::Held { .. } => Ok(None),
        }
    }

    /// Releases the lease without a result, so that the next caller takes it at once. If that fails, the lease expires by
    /// itself.
    pub async fn release(&self) {
        if let Err(error) = self.store.release(self.record.key, self.holder).await {
            log::warn!("a lease in the ledger could not be released: {error}");
        }
    }

    /// Removes a result that was kept before, as if the work had not been done. Does nothing if it has been replaced since.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn discard(&self, version: Version) -> Result<(), Error> {
        if self.claim(self.now(), Some(version)).await? == Claimed::Yours {
            self.store.discard(self.record.key, self.holder).await?;
        }
        Ok(())
    }

    /// Returns the present time, counted from the time that was passed to [`Once::new`].
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.clock.elapsed());
        plus(self.start, elapsed.unwrap_or(SignedDuration::MAX))
    }

    async fn claim(&self, now: Timestamp, stale: Option<Version>) -> Result<Claimed, Error> {
        let claim = Claim {
            key: self.record.key,
            holder: self.holder,
            now,
            until: plus(now, self.lease),
            stale,
        };
        Ok(self.store.claim(claim).await?)
    }
}

/// Varies a pause by half, so that processes do not read in step.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX))
}

/// The time from one moment to another, at least a millisecond.
fn span(from: Timestamp, to: Timestamp) -> Duration {
    let span = Duration::try_from(to.duration_since(from)).unwrap_or_default();
    span.max(Duration::from_millis(1))
}

#[cfg(test)]
impl Record {
    /// Returns `true` if a result sealed with the other record can be opened with this one.
    pub(crate) fn can_open(&self, other: &Self) -> bool {
        let sealed = other.seal.seal("result", &other.key.0).unwrap();
        self.seal.open(&sealed, &self.key.0).is_some()
    }

    /// Returns `true` if both have the same place in the ledger.
    pub(crate) fn has_key_of(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
