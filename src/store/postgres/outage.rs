//! The state that the connections of a node share about the current outage, so that it is logged once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::store::postgres::problem::Problem;

const UNREACHABLE: u8 = 1;
const OTHER_DATABASE: u8 = 2;

/// The current outage, if there is one.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// The reason that was logged; 0 while the database can be reached.
    logged: AtomicU8,
    /// Notified when a connection is there again.
    ended: Notify,
}

impl Outage {
    /// Logs the first reason, and once more if another database was found.
    pub(super) fn log(&self, problem: &Problem) {
        let reason = if problem.is_of_another_database() {
            OTHER_DATABASE
        } else {
            UNREACHABLE
        };
        if self.logged.fetch_max(reason, Ordering::Relaxed) < reason {
            log::warn!("no connection to PostgreSQL: {problem}");
        }
    }

    /// Records that a connection is there.
    pub(super) fn end(&self) {
        if self.logged.swap(0, Ordering::Relaxed) != 0 {
            log::info!("connected to PostgreSQL again");
        }
        self.ended.notify_waiters();
    }

    /// Waits until another connection is there. Returns `false` if none is after `pause`.
    pub(super) async fn ends_within(&self, pause: Duration) -> bool {
        timeout(pause, self.ended.notified()).await.is_ok()
    }
}
