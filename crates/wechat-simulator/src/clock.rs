//! The simulator's clock: the system time or a virtual time. Both can be moved forward.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The clock of a simulator. Clones share their state: [`advance`](Self::advance) moves all of them.
#[derive(Debug, Clone)]
pub struct Clock {
    /// `None`: the clock runs with the system time.
    start: Option<Duration>,
    advanced: Arc<RwLock<Duration>>,
}

impl Clock {
    /// A clock that runs with the system time.
    pub fn system() -> Self {
        Self::starting(None)
    }

    /// A virtual clock that starts at this number of seconds since the Unix epoch and moves only by
    /// [`advance`](Self::advance).
    pub fn virtual_at(unix_seconds: u64) -> Self {
        Self::starting(Some(Duration::from_secs(unix_seconds)))
    }

    /// A virtual clock that starts at the current system time and moves only by [`advance`](Self::advance).
    pub fn virtual_now() -> Self {
        Self::starting(Some(system_time()))
    }

    /// Moves the clock forward. A system clock stays ahead of the system time by this much.
    pub fn advance(&self, by: Duration) {
        let mut advanced = self
            .advanced
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *advanced = advanced.saturating_add(by);
    }

    /// Returns the time since the Unix epoch.
    pub(crate) fn now(&self) -> Duration {
        let advanced = *self.advanced.read().unwrap_or_else(PoisonError::into_inner);
        let base = self.start.unwrap_or_else(system_time);
        base.saturating_add(advanced)
    }

    fn starting(start: Option<Duration>) -> Self {
        Self {
            start,
            advanced: Arc::default(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the system time; everything else takes `now` as an argument"
)]
pub(crate) fn system_time() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
