//! Counts open connections, so that a server that shuts down can wait until all are closed.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::time::sleep;

/// Interval at which the count is polled, and the number of consecutive zeros that mean that all connections are closed.
/// A connection that was accepted just before the listener paused is not counted until a worker takes it up. Our choice:
/// half a second in total.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const ZEROS_IN_A_ROW: u8 = 5;

/// Number of open connections.
#[derive(Default)]
pub(crate) struct Connections(Arc<AtomicUsize>);

/// One open connection. Actix drops it with the connection.
struct Open(Arc<AtomicUsize>);

impl Connections {
    /// Returns the callback for `HttpServer::on_connect`.
    pub(crate) fn on_connect(&self) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
        let open = Arc::clone(&self.0);
        move |_connection, extensions| {
            open.fetch_add(1, Ordering::Relaxed);
            extensions.insert(Open(Arc::clone(&open)));
        }
    }

    /// Returns the number of open connections.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until all connections are closed.
    pub(crate) async fn all_closed(&self) {
        let mut zeros = 0;
        while zeros < ZEROS_IN_A_ROW {
            sleep(POLL_INTERVAL).await;
            zeros = if self.count() == 0 { zeros + 1 } else { 0 };
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
