//! Batches of logins: those that arrive during a commit share the next one.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::store::interface::{LoggedIn, Login};
use crate::store::postgres::link::Limited;
use crate::store::postgres::logins::commit;
use crate::store::postgres::problem::Problem;
use crate::store::session_cache::SessionCache;

/// Maximum number of logins per commit, which limits the time that the first of them waits. Our choice.
const BATCH: usize = 256;

/// While one connection commits, the other one begins with this many logins, or with fewer of which the first has waited for
/// this time. Our choice: about the time of a commit. A commit costs the database as much as several logins, so that logins
/// are better committed together, but not behind a slow commit.
const ENOUGH: usize = 64;
const SHARING: Duration = Duration::from_millis(5);

/// The logins that wait for a commit.
#[derive(Default)]
pub(super) struct LoginQueue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// If `true`, logins store events.
    records_events: bool,
}

#[derive(Default)]
struct Waiting {
    logins: VecDeque<Pending>,
    /// Subjects of the logins that are being committed, and the digests of their unionids. Another login of such a user would
    /// wait for the lock on the user's row, and the batch with it.
    committing: HashSet<[u8; 32]>,
    /// Number of logins that are being committed.
    under_way: usize,
}

/// The next batch of a connection.
enum Next {
    Batch(Vec<Pending>),
    /// None before a login arrives, or a batch is committed.
    None,
    /// None before this time, unless more logins arrive.
    At(Instant),
}

struct Pending {
    login: Login,
    since: Instant,
    reply: oneshot::Sender<Result<LoggedIn, Problem>>,
}

impl fmt::Debug for LoginQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginQueue(…)")
    }
}

impl LoginQueue {
    /// Creates an empty queue.
    pub(super) fn new(records_events: bool) -> Self {
        Self {
            records_events,
            ..Self::default()
        }
    }

    /// Adds a login, and waits until it is durable.
    pub(super) async fn log_in(&self, login: Login) -> Result<LoggedIn, Problem> {
        let result = self.add(login);
        let stopped = |_dropped| Problem::Lost("the store is closed".to_owned());
        result.await.map_err(stopped)?
    }

    fn add(&self, login: Login) -> oneshot::Receiver<Result<LoggedIn, Problem>> {
        let (reply, result) = oneshot::channel();
        self.lock().logins.push_back(Pending {
            login,
            since: Instant::now(),
            reply,
        });
        self.arrived.notify_one();
        result
    }

    /// Commits batches on this connection. Never ends.
    pub(super) async fn run(&self, link: Limited<'_>, cache: &SessionCache) {
        loop {
            let batch = match self.take(Instant::now()) {
                Next::Batch(batch) => batch,
                Next::None => {
                    self.arrived.notified().await;
                    continue;
                }
                Next::At(time) => {
                    timeout_at(time, self.arrived.notified())
                        .await
                        .unwrap_or_default();
                    continue;
                }
            };
            let count = batch.len();
            let people: Vec<_> = batch
                .iter()
                .flat_map(|pending| keys(&pending.login))
                .collect();
            let outcome = commit_batch(link, cache, self.records_events, batch).await;
            let mut waiting = self.lock();
            waiting.under_way -= count;
            if let Err(problem) = outcome {
                // The others would wait for the same connection, after having waited as long as a write may take.
                for pending in waiting.logins.drain(..) {
                    pending.reply.send(Err(problem.clone())).unwrap_or_default();
                }
            }
            for key in people {
                waiting.committing.remove(&key);
            }
            // A login of one of these users may wait for another connection to look.
            if !waiting.logins.is_empty() {
                self.arrived.notify_one();
            }
        }
    }

    /// Takes the next batch: at most one login of each person, sorted by subject.
    fn take(&self, now: Instant) -> Next {
        let mut waiting = self.lock();
        let Waiting {
            logins,
            committing,
            under_way,
        } = &mut *waiting;
        let Some(first) = logins.front() else {
            return Next::None;
        };
        let latest = first.since + SHARING;
        if *under_way > 0 && logins.len() < ENOUGH && now < latest {
            return Next::At(latest);
        }
        let (mut batch, mut later) = (Vec::new(), VecDeque::new());
        while let Some(pending) = logins.pop_front() {
            if keys(&pending.login).all(|key| !committing.contains(&key)) {
                committing.extend(keys(&pending.login));
                batch.push(pending);
                if batch.len() == BATCH {
                    break;
                }
            } else {
                later.push_back(pending);
            }
        }
        later.append(logins);
        *logins = later;
        if !batch.is_empty() && !logins.is_empty() {
            self.arrived.notify_one();
        }
        if batch.is_empty() {
            return Next::None;
        }
        *under_way += batch.len();
        batch.sort_by_key(|pending| pending.login.subject.0);
        Next::Batch(batch)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subject of a login, and the digests of its unionid.
fn keys(login: &Login) -> impl Iterator<Item = [u8; 32]> {
    let person = login.person.iter().map(|digest| digest.0);
    std::iter::once(login.subject.0).chain(person)
}

/// Commits a batch together. If one of the logins may be the cause of a failure, each is committed by itself.
///
/// # Errors
/// If the database cannot be reached. All callers have got the error then.
async fn commit_batch(
    link: Limited<'_>,
    cache: &SessionCache,
    records_events: bool,
    batch: Vec<Pending>,
) -> Result<(), Problem> {
    let logins: Vec<_> = batch.iter().map(|pending| &pending.login).collect();
    match commit(link, records_events, &logins).await {
        Ok((logged_in, ended)) => {
            cache.evict_all(&ended);
            for (pending, logged_in) in batch.into_iter().zip(logged_in) {
                // A caller that went away does not want the reply.
                pending.reply.send(Ok(logged_in)).unwrap_or_default();
            }
        }
        Err(problem) if batch.len() > 1 && problem.may_be_of_one_write() => {
            for pending in batch {
                let result = commit(link, records_events, &[&pending.login]).await;
                let result = result.and_then(|(logged_in, ended)| {
                    cache.evict_all(&ended);
                    logged_in
                        .into_iter()
                        .next()
                        .ok_or_else(|| Problem::Malformed("no result".to_owned()))
                });
                pending.reply.send(result).unwrap_or_default();
            }
        }
        Err(problem) => {
            for pending in batch {
                pending.reply.send(Err(problem.clone())).unwrap_or_default();
            }
            if problem.is_of_the_connection() {
                return Err(problem);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{ENOUGH, LoginQueue, Next, SHARING};
    use crate::store::contract::login;

    fn add(queue: &LoginQueue, users: std::ops::Range<usize>) {
        for user in users {
            drop(queue.add(login(u8::try_from(user).unwrap(), 0)));
        }
    }

    /// Returns the number of logins in the next batch, or `None` if it is not yet time for it.
    fn take(queue: &LoginQueue, now: Instant) -> Option<usize> {
        match queue.take(now) {
            Next::Batch(batch) => Some(batch.len()),
            Next::At(_time) => None,
            Next::None => panic!("no login waits"),
        }
    }

    #[test]
    fn a_login_waits_for_others_only_during_a_commit_and_not_for_long() {
        let queue = LoginQueue::new(false);
        let start = Instant::now();
        add(&queue, 0..1);
        assert_eq!(take(&queue, start), Some(1));
        add(&queue, 1..4);
        assert_eq!(take(&queue, start), None);
        assert_eq!(take(&queue, Instant::now() + SHARING), Some(3));
        add(&queue, 4..4 + ENOUGH);
        assert_eq!(take(&queue, start), Some(ENOUGH));
    }
}
