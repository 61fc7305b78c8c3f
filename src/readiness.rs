//! The readiness of this process: the store responds, and the process is not shutting down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use crate::store::{self, Store};

/// Time limit of the store's response. Our choice: many times what a healthy disk takes, and less than the timeout of most
/// probes.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// Time for which a successful check is repeated. Our choice: a check waits for the disk, and anyone may request one.
const REUSED_FOR: Duration = Duration::from_secs(1);

/// Decides whether this process should receive requests.
#[derive(Debug)]
pub struct Readiness {
    store: Arc<dyn Store>,
    /// The latest check of the store, completed or in progress, and its start.
    probe: Mutex<Option<(Probe, Instant)>>,
    draining: AtomicBool,
}

/// One check of the store, shared by all callers until it completes.
type Probe = Shared<BoxFuture<'static, Result<(), store::Error>>>;

/// The reason why this process should receive no requests.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// The store reports an error.
    #[error("the store reports an error")]
    Store(#[from] store::Error),
    /// The store does not respond, for example because a disk hangs or another process locks the file.
    #[error("the store has not responded for {} seconds", TIME_LIMIT.as_secs())]
    StoreSilent,
}

impl Readiness {
    /// Creates the readiness of a process with this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            probe: Mutex::default(),
            draining: AtomicBool::new(false),
        }
    }

    /// Marks the process as shutting down.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the process is shutting down. Costs one atomic load.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Checks that the process is not shutting down and that the store can record a login. Takes at most 2 seconds.
    ///
    /// # Errors
    /// [`NotReady`] with the reason.
    pub async fn check(&self, now: Timestamp) -> Result<(), NotReady> {
        if self.is_draining() {
            return Err(NotReady::Draining);
        }
        match timeout(TIME_LIMIT, self.probe(now)).await {
            Ok(answer) => Ok(answer?),
            Err(_elapsed) => Err(NotReady::StoreSilent),
        }
    }

    /// Returns the check in progress or one that has just succeeded, or starts one: any number of callers take one place in
    /// the queue of a store that does not respond.
    fn probe(&self, now: Timestamp) -> Probe {
        let mut latest = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((probe, start)) = latest.as_ref()
            && probe
                .peek()
                .is_none_or(|result| result.is_ok() && start.elapsed() < REUSED_FOR)
        {
            return probe.clone();
        }
        let store = Arc::clone(&self.store);
        let probe: Probe = async move { store.probe(now).await }.boxed().shared();
        // Continues when its callers stop waiting, so that a later caller does not get an outdated result.
        drop(actix_rt::spawn(probe.clone()));
        *latest = Some((probe.clone(), Instant::now()));
        probe
    }
}
