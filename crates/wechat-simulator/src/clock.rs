//! The simulator's clock: real time or a time of the test's own, either of which can be moved forward.
//!
//! Knows the system clock, and is the only file here that reads it.
//! Never knows what a moment means: lifetimes are the business of whoever asks.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the simulator the time. Clones share their movement: one `advance` moves them all.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Start,
    advanced: Arc<RwLock<Duration>>,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    System,
    Fixed(Duration),
}

impl Clock {
    /// Runs with the system's clock.
    pub fn system() -> Self {
        Self::starting(Start::System)
    }

    /// Stands at this many seconds after the Unix epoch, and moves by [`advance`](Self::advance) alone.
    pub fn virtual_at(unix_seconds: u64) -> Self {
        Self::starting(Start::Fixed(Duration::from_secs(unix_seconds)))
    }

    /// Stands at the moment of this call, and moves by [`advance`](Self::advance) alone.
    pub fn virtual_now() -> Self {
        Self::starting(Start::Fixed(system_time()))
    }

    /// Moves forward; a system clock runs ahead of the system's from now on.
    pub fn advance(&self, by: Duration) {
        let mut advanced = self
            .advanced
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *advanced = advanced.saturating_add(by);
    }

    /// The time since the Unix epoch.
    pub(super) fn now(&self) -> Duration {
        let advanced = *self.advanced.read().unwrap_or_else(PoisonError::into_inner);
        let unmoved = match self.start {
            Start::System => system_time(),
            Start::Fixed(at) => at,
        };
        unmoved.saturating_add(advanced)
    }

    fn starting(start: Start) -> Self {
        Self {
            start,
            advanced: Arc::default(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's clock is read here and nowhere else; all below takes `now`"
)]
fn system_time() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
