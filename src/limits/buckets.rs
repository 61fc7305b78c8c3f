//! The state of a limiter: one number per key, for a bounded number of keys.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use governor::nanos::Nanos;
use governor::state::StateStore;
use quick_cache::sync::{Cache, EntryAction, EntryResult};

/// Maximum number of keys. Our choice: about 8 MB. Beyond it, keys that were used least are forgotten, which gives them their
/// whole allowance again.
const CAPACITY: usize = 65_536;

/// The time at which each key has its whole allowance again. Clones share the state.
#[derive(Clone)]
pub(super) struct Buckets<K>(Arc<Cache<K, Nanos>>);

impl<K: Clone + Eq + Hash> Buckets<K> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Cache::new(CAPACITY)))
    }

    /// Moves the time of a key back, as if one charge of this weight had not been made.
    pub(super) fn refund(&self, key: &K, weight: Duration) {
        let weight = Nanos::from(weight).as_u64();
        // A key that was forgotten meanwhile has its whole allowance: dropping its place leaves it so.
        drop(self.0.entry(key, None, |_key, full_at| {
            *full_at = Nanos::new(full_at.as_u64().saturating_sub(weight));
            EntryAction::Retain(())
        }));
    }
}

#[cfg(test)]
impl<K: Clone + Eq + Hash> Buckets<K> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<K: Clone + Eq + Hash> StateStore for Buckets<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let entry = self.0.entry(key, None, |_key, full_at| {
            let decision = decide(Some(*full_at)).map(|(admitted, next)| {
                *full_at = next;
                admitted
            });
            EntryAction::Retain(decision)
        });
        match entry {
            EntryResult::Retained(decision) => decision,
            EntryResult::Vacant(place) => {
                let (admitted, next) = decide(None)?;
                // The only error is that the key was removed meanwhile, and nothing removes keys.
                place.insert(next).unwrap_or_default();
                Ok(admitted)
            }
            // Not returned for this action and without a timeout.
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => {
                decide(None).map(|(admitted, _next)| admitted)
            }
        }
    }
}
