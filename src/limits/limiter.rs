//! One limit: governor's algorithm (GCRA) on bounded buckets, with refunds.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter, clock};

use crate::limits::buckets::Buckets;
use crate::limits::exceeded::{Exceeded, LimitName};

/// Limits how often each key may be charged.
pub(super) struct Limiter<K: Clone + Eq + Hash> {
    name: LimitName,
    /// `None` if the limit is off.
    state: Option<State<K>>,
}

struct State<K: Clone + Eq + Hash> {
    governor: RateLimiter<K, Buckets<K>, Clock, NoOpMiddleware<Duration>>,
    /// The same buckets that the governor has.
    buckets: Buckets<K>,
    quota: Quota,
    clock: Clock,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// Creates a limiter; without a quota, one that admits everything.
    pub(super) fn new(name: LimitName, quota: Option<Quota>, clock: Clock) -> Self {
        let state = quota.map(|quota| {
            let buckets = Buckets::new();
            State {
                governor: RateLimiter::new(quota, buckets.clone(), clock.clone()),
                buckets,
                quota,
                clock,
            }
        });
        Self { name, state }
    }

    /// Charges a key.
    ///
    /// # Errors
    /// [`Exceeded`] if it has no allowance left.
    pub(super) fn charge(&self, key: &K) -> Result<(), Exceeded> {
        let Some(state) = &self.state else {
            return Ok(());
        };
        state.governor.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(clock::Clock::now(&state.clock));
            let seconds = (wait + Duration::from_millis(999)).as_secs().max(1);
            Exceeded {
                limit: self.name,
                retry_after: Duration::from_secs(seconds),
            }
        })
    }

    /// Takes a charge back.
    pub(super) fn refund(&self, key: &K) {
        if let Some(state) = &self.state {
            state.buckets.refund(key, state.quota.replenish_interval());
        }
    }
}

#[cfg(test)]
impl<K: Clone + Eq + Hash> Limiter<K> {
    /// Returns the number of keys that are remembered.
    pub(super) fn keys(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.buckets.len())
    }
}

/// A source of the time since any start.
#[derive(Clone)]
pub(super) struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    pub(super) fn new(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(clock))
    }
}

impl clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0)()
    }
}
