//! The thread on which all connections live.
//!
//! A connection belongs to a runtime, and actix's workers each have one that ends with them.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::store::interface::Error;
use crate::store::postgres::problem::{Problem, QUEUE};

/// Runs the calls, and ends with this handle.
#[derive(Debug)]
pub(super) struct Worker {
    runtime: Handle,
    pending: Arc<Semaphore>,
    /// Dropped to stop the thread.
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

impl Worker {
    /// Starts the thread.
    pub(super) fn start() -> Result<Self, Problem> {
        let failed = |error| Problem::Unusable(format!("its thread does not start: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || drop(runtime.block_on(stopped)))
            .map_err(failed)?;
        Ok(Self {
            runtime: handle,
            pending: Arc::new(Semaphore::new(QUEUE)),
            stop: Mutex::new(Some(stop)),
        })
    }

    /// Starts a task that lives as long as the thread.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(task));
    }

    /// Runs a call to its end, even if the caller goes away.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.place()?;
        let call = self.runtime.spawn(async move {
            let result = call.await;
            drop(place);
            result
        });
        // The thread has ended, and with it the call.
        Ok(call.await.map_err(|_stopped| Error::Closed)??)
    }

    /// Takes one of the places for pending calls.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        use tokio::sync::TryAcquireError::{Closed, NoPermits};
        let place = Arc::clone(&self.pending).try_acquire_owned();
        place.map_err(|error| match error {
            Closed => Error::Closed,
            NoPermits => Problem::QueueFull.into(),
        })
    }

    /// Returns an error if the store was closed.
    pub(super) fn is_open(&self) -> Result<(), Error> {
        if self.pending.is_closed() {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    /// Accepts no more calls, waits for the pending ones and stops the thread.
    pub(super) async fn close(&self, limit: Duration) -> Result<(), Error> {
        self.is_open()?;
        let all = u32::try_from(QUEUE).unwrap_or(u32::MAX);
        // A call that does not end is abandoned.
        let waited = timeout(limit, self.pending.acquire_many(all)).await;
        self.pending.close();
        drop(waited);
        drop(
            self.stop
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        Ok(())
    }
}
