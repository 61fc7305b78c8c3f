//! Records the uses of sessions in the background.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::session::TokenDigest;
use crate::store::{Store, Update};

/// Maximum number of uses that wait for the store. More are dropped, and the next request of their session tries again.
/// Our choice: a quarter of the places in a store's queue, so that logins have the others.
const PENDING: usize = 1024;

/// Records when sessions were last used, as far as the store can.
///
/// No request waits for it: a disk that hangs must not delay the requests that only read.
#[derive(Debug)]
pub(super) struct Uses {
    store: Arc<dyn Store>,
    pending: Arc<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    sessions: Mutex<HashSet<TokenDigest>>,
    /// Set while uses cannot be recorded, so that this is logged once.
    is_failing: AtomicBool,
}

/// A place among the pending uses, freed on drop.
struct Place {
    pending: Arc<Pending>,
    digest: TokenDigest,
}

impl Uses {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            pending: Arc::default(),
        }
    }

    /// Records a use at `now`, unless one of the same session is waiting for the store.
    pub(super) fn record(&self, digest: TokenDigest, now: Timestamp) {
        let Some(place) = Place::take(&self.pending, digest) else {
            return;
        };
        let store = Arc::clone(&self.store);
        drop(tokio::spawn(async move {
            let recorded = store.update(digest, Update::Used(now)).await;
            let was_failing = place
                .pending
                .is_failing
                .swap(recorded.is_err(), Ordering::Relaxed);
            match recorded {
                Err(error) if !was_failing => {
                    log::warn!("the uses of sessions cannot be recorded: {error}");
                }
                Ok(_) if was_failing => log::info!("the uses of sessions are recorded again"),
                Ok(_) | Err(_) => {}
            }
        }));
    }
}

impl Place {
    fn take(pending: &Arc<Pending>, digest: TokenDigest) -> Option<Self> {
        let mut sessions = pending.lock();
        let is_free = sessions.len() < PENDING && sessions.insert(digest);
        is_free.then(|| Self {
            pending: Arc::clone(pending),
            digest,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pending.lock().remove(&self.digest);
    }
}

impl Pending {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<TokenDigest>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Uses {
    /// Waits until no use is pending.
    pub(super) async fn settle(&self) {
        while !self.pending.lock().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
