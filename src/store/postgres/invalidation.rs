//! The poll for revocations by other nodes, which all waiting checks share.
//!
//! The cursor is PostgreSQL's snapshot: a poll returns what is visible to it and was not visible to the one before. Numbers
//! of a sequence are assigned before the commit, so a lower one may appear after a higher one was read, and be missed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::session::TokenDigest;
use crate::store::postgres::link::Link;
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::session_cache::SessionCache;

/// Maximum time of a poll. Then the cache is cleared, and calls fail until there is a connection again.
const LIMIT: Duration = Duration::from_secs(1);

/// Age of the cursor at which the cache is cleared, because the log may have been swept.
const LONGEST_GAP: Duration = Duration::from_mins(30);

/// The polls. Checks wait for one that was sent late enough.
#[derive(Debug)]
pub(super) struct Polls {
    latest: watch::Sender<Poll>,
    wanted: Notify,
    /// Maximum time between the sending of a poll and a check that relies on it.
    max_staleness: Duration,
}

/// The latest completed poll.
#[derive(Debug, Clone, Copy)]
struct Poll {
    sent_at: Option<Instant>,
    /// If `true`, the cache contains nothing that was revoked before the poll was sent.
    is_cache_current: bool,
}

/// The state of the database at the previous poll.
struct Cursor {
    snapshot: String,
    /// Start time and timeline: another server numbers its transactions differently.
    server: String,
    polled_at: Instant,
}

impl Polls {
    pub(super) fn new(max_staleness: Duration) -> Self {
        Self {
            latest: watch::Sender::new(Poll {
                sent_at: None,
                is_cache_current: false,
            }),
            wanted: Notify::new(),
            max_staleness,
        }
    }

    /// Returns `true` if the cache contains nothing that was revoked more than the allowed staleness before this call.
    /// Waits for a poll that was sent late enough.
    ///
    /// Measured from the time at which the poll was sent, so that the limit holds when the network is silent or the process
    /// was stopped.
    pub(super) async fn is_cache_current(&self) -> bool {
        let now = Instant::now();
        let late_enough = |poll: &Poll, share: u32| {
            let oldest = now.checked_sub(self.max_staleness / share).unwrap_or(now);
            poll.sent_at.is_some_and(|sent_at| sent_at >= oldest)
        };
        let poll = *self.latest.borrow();
        if late_enough(&poll, 1) {
            if !late_enough(&poll, 2) {
                // The next check need not wait.
                self.wanted.notify_one();
            }
            return poll.is_cache_current;
        }
        let mut polls = self.latest.subscribe();
        loop {
            let poll = *polls.borrow_and_update();
            if late_enough(&poll, 1) {
                return poll.is_cache_current;
            }
            self.wanted.notify_one();
            if polls.changed().await.is_err() {
                return false;
            }
        }
    }

    /// Polls whenever a check wants it, and evicts the revoked sessions from the cache. Never ends.
    ///
    /// If a poll takes too long, `on_silence` ends the connections of the reads as well.
    pub(super) async fn run(
        &self,
        link: &Link,
        cache: &Arc<SessionCache>,
        on_silence: impl Fn(&Problem),
    ) {
        let mut cursor = None;
        loop {
            self.wanted.notified().await;
            let sent_at = Instant::now();
            let polled = timeout(LIMIT, poll(link, cursor.as_ref())).await;
            let polled = polled.unwrap_or_else(|_elapsed| {
                let problem = Problem::Silent(LIMIT);
                link.abandon(&problem);
                on_silence(&problem);
                Err(problem)
            });
            let is_cache_current = match polled {
                Ok((next, revoked)) => {
                    let goes_on = cursor.as_ref().is_some_and(|cursor: &Cursor| {
                        cursor.server == next.server && cursor.polled_at.elapsed() < LONGEST_GAP
                    });
                    if goes_on {
                        cache.evict_all(&revoked);
                    } else {
                        cache.clear();
                    }
                    cursor = Some(Cursor {
                        polled_at: sent_at,
                        ..next
                    });
                    true
                }
                Err(problem) => {
                    log::debug!("the poll for revocations failed: {problem}");
                    cache.clear();
                    cursor = None;
                    false
                }
            };
            self.latest.send_replace(Poll {
                sent_at: Some(sent_at),
                is_cache_current,
            });
        }
    }
}

/// Returns the next cursor, and what was revoked since the previous one. One statement has one snapshot, so nothing is
/// missed.
async fn poll(link: &Link, cursor: Option<&Cursor>) -> Result<(Cursor, Vec<TokenDigest>), Problem> {
    let sql = "SELECT pg_current_snapshot()::text,
                      pg_postmaster_start_time()::text || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8),
                      (SELECT array_agg(digest) FROM revocation
                        WHERE transaction >= pg_snapshot_xmin($1::text::pg_snapshot)
                          AND NOT pg_visible_in_snapshot(transaction, $1::text::pg_snapshot))";
    let since = cursor.map(|cursor| cursor.snapshot.as_str());
    let rows = link.read_once(sql, &[&since]).await?;
    let row = rows
        .first()
        .ok_or_else(|| Problem::Malformed("no row".to_owned()))?;
    let revoked = rows::value::<Option<Vec<&[u8]>>>(row, 2)?.unwrap_or_default();
    let digest = |bytes: &[u8]| bytes.try_into().map(TokenDigest);
    let revoked = revoked
        .into_iter()
        .map(digest)
        .collect::<Result<Vec<_>, _>>();
    let next = Cursor {
        snapshot: rows::value(row, 0)?,
        server: rows::value(row, 1)?,
        polled_at: Instant::now(),
    };
    Ok((
        next,
        revoked.map_err(|error| Problem::Malformed(error.to_string()))?,
    ))
}
