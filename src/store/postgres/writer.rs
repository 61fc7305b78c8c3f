//! Batches of logins: those that arrive during a commit share the next one.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::store::interface::{LoggedIn, Login};
use crate::store::postgres::link::Link;
use crate::store::postgres::logins::commit;
use crate::store::postgres::problem::Problem;
use crate::store::session_cache::SessionCache;

/// Maximum number of logins per commit, which limits the time that the first of them waits. Our choice.
const BATCH: usize = 256;

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
}

struct Pending {
    login: Login,
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
        let (reply, result) = oneshot::channel();
        self.lock().logins.push_back(Pending { login, reply });
        self.arrived.notify_one();
        let stopped = |_dropped| Problem::Lost("the store is closed".to_owned());
        result.await.map_err(stopped)?
    }

    /// Commits batches on this connection. Never ends.
    pub(super) async fn run(&self, link: &Link, limit: Duration, cache: &Arc<SessionCache>) {
        loop {
            let batch = self.take();
            if batch.is_empty() {
                self.arrived.notified().await;
                continue;
            }
            let people: Vec<_> = batch
                .iter()
                .flat_map(|pending| keys(&pending.login))
                .collect();
            let outcome = commit_batch(link, limit, (cache, self.records_events), batch).await;
            let mut waiting = self.lock();
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
    fn take(&self) -> Vec<Pending> {
        let mut waiting = self.lock();
        let Waiting { logins, committing } = &mut *waiting;
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
        batch.sort_by_key(|pending| pending.login.subject.0);
        batch
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
    link: &Link,
    limit: Duration,
    (cache, records_events): (&Arc<SessionCache>, bool),
    batch: Vec<Pending>,
) -> Result<(), Problem> {
    let logins: Vec<_> = batch.iter().map(|pending| &pending.login).collect();
    match commit(link, limit, records_events, &logins).await {
        Ok((logged_in, ended)) => {
            cache.evict_all(&ended);
            for (pending, logged_in) in batch.into_iter().zip(logged_in) {
                // A caller that went away does not want the reply.
                pending.reply.send(Ok(logged_in)).unwrap_or_default();
            }
        }
        Err(problem) if batch.len() > 1 && problem.may_be_of_one_write() => {
            for pending in batch {
                let result = commit(link, limit, records_events, &[&pending.login]).await;
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
