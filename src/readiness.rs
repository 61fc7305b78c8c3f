//! Whether this process should be sent requests.
//!
//! Knows the store's pulse and whether the process is on its way out.
//! Never knows who asks, or how the process is told to stop.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::time::timeout;

use crate::store::{self, Store};

/// How long the store may take to answer. Our choice: many times what a healthy disk takes, and less than most who ask
/// wait for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether this process should be sent requests.
#[derive(Debug)]
pub struct Readiness {
    store: Arc<dyn Store>,
    /// The store's latest answer, or the wait for it.
    probe: Mutex<Option<Probe>>,
    draining: AtomicBool,
}

/// One question to the store, for all who ask until it is answered.
type Probe = Shared<Pin<Box<dyn Future<Output = Result<(), store::Error>> + Send>>>;

/// Why this process should be sent no requests.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// The store says that it cannot serve.
    #[error("the store does not answer")]
    Store(#[from] store::Error),
    /// The store says nothing, as when a disk is stuck or another process holds the file.
    #[error("the store has not answered for {} seconds", PATIENCE.as_secs())]
    StoreSilent,
}

impl Readiness {
    /// Ready as long as this store answers.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            probe: Mutex::default(),
            draining: AtomicBool::new(false),
        }
    }

    /// From now on the process is on its way out.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the process is on its way out. Costs one load.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether requests are welcome: the process stays, and the store could keep a login. Takes at most 2 seconds.
    ///
    /// # Errors
    /// [`NotReady`] says why they are not.
    pub async fn check(&self) -> Result<(), NotReady> {
        if self.is_draining() {
            return Err(NotReady::Draining);
        }
        match timeout(PATIENCE, self.probe()).await {
            Ok(answer) => Ok(answer?),
            Err(_elapsed) => Err(NotReady::StoreSilent),
        }
    }

    /// The question that the store has not answered yet, or else a new one: however many ask, and however long the store is
    /// silent, one place in its queue is taken.
    fn probe(&self) -> Probe {
        let mut latest = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unanswered) = latest.as_ref().filter(|probe| probe.peek().is_none()) {
            return unanswered.clone();
        }
        let store = Arc::clone(&self.store);
        let probe: Probe = async move { store.ready().await }.boxed().shared();
        // Goes on when nobody waits any more, so that whoever asks later is not told what was true long before.
        drop(actix_rt::spawn(probe.clone()));
        *latest = Some(probe.clone());
        probe
    }
}
