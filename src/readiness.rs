//! Whether this process should be sent requests.
//!
//! Knows the store's pulse and whether the process is on its way out.
//! Never knows who asks, or how the process is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::{self, Store};

/// Whether this process should be sent requests.
#[derive(Debug)]
pub struct Readiness {
    store: Arc<dyn Store>,
    draining: AtomicBool,
}

/// Why this process should be sent no requests.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// The store does not answer.
    #[error("the store does not answer")]
    Store(#[from] store::Error),
}

impl Readiness {
    /// Ready as long as this store answers.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            draining: AtomicBool::new(false),
        }
    }

    /// From now on the process is on its way out.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether requests are welcome.
    ///
    /// # Errors
    /// [`NotReady`] says why they are not.
    pub async fn check(&self) -> Result<(), NotReady> {
        if self.draining.load(Ordering::Acquire) {
            return Err(NotReady::Draining);
        }
        Ok(self.store.ready().await?)
    }
}
