//! How many connections are open, so that a server on its way out knows when all are gone.
//!
//! Never knows what goes over them.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::time::sleep;

/// How often is looked whether all are gone, and how often in a row they must be: a connection that was accepted just before
/// the listener paused is not counted before a worker takes it up. Our choice: half a second.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS: u8 = 5;

/// Counts open connections.
#[derive(Default)]
pub(crate) struct Connections(Arc<AtomicUsize>);

/// One open connection: actix keeps it as long as the connection.
struct Open(Arc<AtomicUsize>);

impl Connections {
    /// What the server is to do with each new connection.
    pub(crate) fn counter(&self) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
        let open = Arc::clone(&self.0);
        move |_connection, kept| {
            open.fetch_add(1, Ordering::Relaxed);
            kept.insert(Open(Arc::clone(&open)));
        }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until all are gone.
    pub(crate) async fn gone(&self) {
        let mut looks = 0;
        while looks < LOOKS {
            sleep(LOOK_EVERY).await;
            looks = if self.count() == 0 { looks + 1 } else { 0 };
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
