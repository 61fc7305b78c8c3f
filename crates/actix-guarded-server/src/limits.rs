//! The limits of a connection.

use std::time::Duration;

/// Limits of each connection. The default values are those of the table in the README.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// Maximum time of a head: from the accept for the first one, from its first byte for the others.
    pub head_timeout: Duration,
    /// Maximum size of a head in bytes.
    pub head_bytes: usize,
    /// Idle time after which a connection is closed, as announced in `Keep-Alive: timeout=`.
    pub keep_alive: Duration,
    /// Time that a connection stays open beyond `keep_alive`, so that a client that reuses it in the last moment succeeds.
    pub keep_alive_margin: Duration,
    /// Interval in which a body that has not ended must bring `minimum_rate` bytes per second.
    pub body_window: Duration,
    /// Interval in which a client that does not read fast enough must take `minimum_rate` bytes per second.
    pub reply_window: Duration,
    /// Bytes per second.
    pub minimum_rate: usize,
    /// Maximum time for the rest of a body after its reply.
    pub linger: Duration,
    /// Maximum number of large requests that are received at the same time. Others wait, within their deadlines, so that incomplete
    /// requests do not fill the memory.
    pub large_requests: usize,
    /// Number of bytes above which a request is large.
    pub small_request: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            head_bytes: 16 * 1024,
            keep_alive: Duration::from_secs(5),
            keep_alive_margin: Duration::from_secs(1),
            body_window: Duration::from_secs(12),
            reply_window: Duration::from_secs(10),
            minimum_rate: 1024,
            linger: Duration::from_secs(2),
            large_requests: 80,
            small_request: 4 * 1024,
        }
    }
}

impl Limits {
    /// Returns `true` if this number of bytes is below the minimum rate of the interval.
    pub(crate) fn is_too_slow(&self, bytes: usize, interval: Duration) -> bool {
        let milliseconds = usize::try_from(interval.as_millis()).unwrap_or(usize::MAX);
        bytes.saturating_mul(1000) < self.minimum_rate.saturating_mul(milliseconds)
    }
}
