//! The connections of a node, and the calls that wait for them.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::store::database::Database;
use crate::store::interface::Swept;
use crate::store::postgres::invalidation::Polls;
use crate::store::postgres::link::{Limited, Link};
use crate::store::postgres::outage::Outage;
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::sweep::{Walk, sweep};
use crate::store::postgres::target::Target;
use crate::store::postgres::users;
use crate::store::postgres::worker::Worker;
use crate::store::postgres::writer::LoginQueue;
use crate::store::session_cache::SessionCache;

/// Maximum time of a read and of a write. Our choice: a write may wait for a lock for 2 seconds and run for 5.
const READ_LIMIT: Duration = Duration::from_secs(2);
pub(super) const WRITE_LIMIT: Duration = Duration::from_secs(6);

/// Maximum time of the probe, so that it replies before a load balancer gives up.
const PROBE_LIMIT: Duration = Duration::from_millis(1500);

/// Maximum difference between the clocks of this machine and of the database. The nodes measure leases with their own
/// clocks, and a lease is a second longer than the work.
const MAX_SKEW: SignedDuration = SignedDuration::from_millis(500);

/// The connections of this node, and the calls that wait for them.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) reads: Link,
    polls: Link,
    /// For the probe, the count and the sweep.
    upkeep: Link,
    pub(super) writes: [Link; 2],
    next_write: AtomicUsize,
    pub(super) invalidation: Polls,
    pub(super) logins: LoginQueue,
    pub(super) cache: Arc<SessionCache>,
    /// If `true`, changes store events.
    pub(super) records_events: bool,
    walk: Mutex<Walk>,
    now: fn() -> Timestamp,
}

impl Node {
    pub(super) fn new(
        database: &Database,
        cache: Arc<SessionCache>,
        now: fn() -> Timestamp,
    ) -> Self {
        let outage = Arc::new(Outage::default());
        let link = || Link::new(Arc::clone(&outage));
        Self {
            reads: link(),
            polls: link(),
            upkeep: link(),
            writes: [link(), link()],
            next_write: AtomicUsize::new(0),
            invalidation: Polls::new(database.max_staleness),
            logins: LoginQueue::new(database.records_events),
            records_events: database.records_events,
            cache,
            walk: Mutex::default(),
            now,
        }
    }

    /// Starts the tasks of the connections.
    pub(super) fn start(self: &Arc<Self>, worker: &Worker, target: &Target) {
        let by_key = target.by_key();
        let links: [fn(&Self) -> &Link; 5] = [
            |node| &node.upkeep,
            |node| &node.reads,
            |node| &node.polls,
            |node| &node.writes[0],
            |node| &node.writes[1],
        ];
        let targets = iter::once(target).chain(iter::repeat(&by_key));
        for (link, target) in links.into_iter().zip(targets) {
            let (node, target) = (Arc::clone(self), target.clone());
            worker.spawn(async move { link(&node).run(&target).await });
        }
        for index in 0..self.writes.len() {
            let node = Arc::clone(self);
            worker.spawn(async move {
                if let Some(link) = node.writes.get(index) {
                    node.logins.run(link.within(WRITE_LIMIT), &node.cache).await;
                }
            });
        }
        let node = Arc::clone(self);
        worker.spawn(async move {
            let on_silence = |problem: &Problem| node.reads.abandon(problem);
            node.invalidation
                .run(&node.polls, &node.cache, on_silence)
                .await;
        });
    }

    /// Waits until there are connections, but not for long: the database may have gone away.
    pub(super) async fn connected(&self) -> Result<(), Problem> {
        let [first, second] = &self.writes;
        for link in [&self.reads, &self.polls, &self.upkeep, first, second] {
            drop(link.patient_session().await?);
        }
        Ok(())
    }

    pub(super) fn reads(&self) -> Limited<'_> {
        self.reads.within(READ_LIMIT)
    }

    pub(super) fn upkeep(&self) -> Limited<'_> {
        self.upkeep.within(WRITE_LIMIT)
    }

    /// Returns the connections for writes in turn.
    pub(super) fn writes(&self) -> Limited<'_> {
        let [first, second] = &self.writes;
        let next = match self.next_write.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => first,
            _ => second,
        };
        next.within(WRITE_LIMIT)
    }

    /// Compares the clocks, and writes.
    pub(super) async fn probe(&self) -> Result<(), Problem> {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let before = (self.now)();
        let upkeep = self.upkeep.within(PROBE_LIMIT);
        let rows = upkeep.read(sql, &[]).await?;
        let after = (self.now)();
        let row = rows.first();
        let row = row.ok_or_else(|| Problem::Malformed("no row".to_owned()))?;
        let database = rows::time(row, 0)?;
        // The database read its clock between the two.
        let (ahead, behind) = (
            before.duration_since(database),
            database.duration_since(after),
        );
        for (difference, direction) in [(ahead, "ahead of"), (behind, "behind")] {
            if difference > MAX_SKEW {
                return Err(Problem::Clock {
                    seconds: difference.as_secs_f64(),
                    direction,
                });
            }
        }
        users::probe(upkeep, after).await
    }

    pub(super) async fn sweep(
        &self,
        now: Timestamp,
        idle: SignedDuration,
    ) -> Result<Swept, Problem> {
        let mut walk = self.walk.lock().await;
        let (swept, changed) = sweep(self.upkeep(), now, idle, &mut walk).await?;
        self.cache.evict_all(&changed);
        Ok(swept)
    }
}
