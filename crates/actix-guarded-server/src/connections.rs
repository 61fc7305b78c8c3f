//! Counts of all connections of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The reason that the server closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutoff {
    /// A head did not arrive in time.
    SlowHead,
    /// A head was too large.
    LargeHead,
    /// A body arrived too slowly, or did not end after its reply.
    SlowBody,
    /// The client did not read its reply fast enough.
    SlowReader,
}

impl Cutoff {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::SlowHead,
        Self::LargeHead,
        Self::SlowBody,
        Self::SlowReader,
    ];

    /// Returns the name, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::SlowHead => "slow_head",
            Self::LargeHead => "large_head",
            Self::SlowBody => "slow_body",
            Self::SlowReader => "slow_reader",
        }
    }
}

/// The connections of a server: open ones, those with a large request, and those that it cut off. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    large_requests: AtomicUsize,
    cut_off: [AtomicU64; Cutoff::ALL.len()],
}

impl Connections {
    /// Returns the number of open connections.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Returns the number of connections that were closed for this reason.
    pub fn cut_off(&self, reason: Cutoff) -> u64 {
        self.counter(reason)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    pub(crate) fn count_cutoff(&self, reason: Cutoff) {
        if let Some(counter) = self.counter(reason) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn opened(&self) {
        self.0.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn large_requests(&self) -> usize {
        self.0.large_requests.load(Ordering::Relaxed)
    }

    pub(crate) fn large_request_began(&self) {
        self.0.large_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn large_request_ended(&self) {
        self.0.large_requests.fetch_sub(1, Ordering::Relaxed);
    }

    fn counter(&self, reason: Cutoff) -> Option<&AtomicU64> {
        let place = Cutoff::ALL.iter().position(|other| *other == reason);
        place.and_then(|place| self.0.cut_off.get(place))
    }
}
