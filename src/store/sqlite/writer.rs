//! The one thread that writes: what arrives while a commit is under way shares the next one.
//!
//! Knows transactions. Never knows the statements inside them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::store::Error;

/// How many writes share one commit at most, which bounds how long the first of them waits. Our choice.
const GROUP: usize = 256;

/// How many writes may wait at once; more are refused, so that a stuck disk costs neither memory nor minutes. Our choice:
/// many times what an unstuck one commits in a second.
const QUEUE: usize = 4096;

/// The sending end of the writer's queue.
pub(super) struct Writer {
    queue: Sender<Message>,
    /// Counts the writes that wait: each holds a copy.
    waiting: Arc<()>,
    closed: AtomicBool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

enum Message {
    Write(Job),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// One caller's statements. They run in the transaction, or learn that there is none; what comes back tells the caller
/// once the fate of the transaction is known.
type Job = Box<dyn FnOnce(Result<&mut Transaction<'_>, Error>) -> Settle + Send>;
type Settle = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// What the callers are told whose statements went well before another's made SQLite give up on them all.
#[derive(Debug, thiserror::Error)]
#[error("SQLite rolled the transaction back")]
struct RolledBack;

/// What callers are told when too many wait already.
#[derive(Debug, thiserror::Error)]
#[error("{QUEUE} writes are waiting already")]
struct QueueFull;

/// What nobody is told: the caller went away before its statements ran.
#[derive(Debug, thiserror::Error)]
#[error("the caller went away")]
struct CallerGone;

impl Writer {
    /// Starts the thread, which lives until [`Writer::close`] or until the writer is dropped.
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (queue, messages) = channel();
        let run = move || run(connection, &messages);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(run)?;
        Ok(Self {
            queue,
            waiting: Arc::new(()),
            closed: AtomicBool::new(false),
        })
    }

    /// Runs statements in a transaction; answers when they are durable, or rolled back.
    ///
    /// A caller that stops waiting before they ran takes them back; once they run, they are committed with the others.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        statements: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.waiting);
        if Arc::strong_count(&place) > QUEUE {
            return Err(Error::Failed(Arc::new(QueueFull)));
        }
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            drop(place);
            let result = match transaction {
                Ok(_) if tell.is_closed() => Err(Error::Failed(Arc::new(CallerGone))),
                Ok(transaction) => in_savepoint(transaction, statements),
                Err(error) => Err(error),
            };
            Box::new(move |fate| {
                let answer = result.and_then(|value| fate.map(|()| value));
                // A caller that went away does not want the answer.
                tell.send(answer).unwrap_or_default();
            })
        });
        self.queue
            .send(Message::Write(job))
            .map_err(|_gone| Error::Closed)?;
        told.await.map_err(|_gone| Error::Closed)?
    }

    /// Whether [`Writer::close`] was not called yet.
    pub(super) fn is_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Acquire) {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    /// Commits what was queued before, empties the log file into the database, and ends the thread.
    pub(super) async fn close(&self) -> Result<(), Error> {
        self.closed.store(true, Ordering::Release);
        let (tell, told) = oneshot::channel();
        self.queue
            .send(Message::Close(tell))
            .map_err(|_gone| Error::Closed)?;
        told.await.map_err(|_gone| Error::Closed)?
    }
}

/// Runs one job's statements so that their failure undoes them alone.
fn in_savepoint<T>(
    transaction: &mut Transaction<'_>,
    statements: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Error> {
    let savepoint = transaction.savepoint()?;
    let value = statements(&savepoint)?;
    savepoint.commit()?;
    Ok(value)
}

fn run(mut connection: Connection, messages: &Receiver<Message>) {
    let mut closing = None;
    while closing.is_none() {
        let Ok(first) = messages.recv() else { return };
        let mut group = Vec::new();
        for message in std::iter::once(first).chain(messages.try_iter().take(GROUP - 1)) {
            match message {
                Message::Write(job) => group.push(job),
                Message::Close(tell) => {
                    closing = Some(tell);
                    break;
                }
            }
        }
        if let Err(error) = commit_together(&mut connection, group) {
            // Whoever holds the file has held it for as long as anybody should wait.
            for message in messages.try_iter() {
                match message {
                    Message::Write(job) => job(Err(error.clone()))(Err(error.clone())),
                    Message::Close(tell) => closing = Some(tell),
                }
            }
        }
    }
    if let Some(tell) = closing {
        let emptied = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_row| Ok(()))
            .and_then(|()| connection.close().map_err(|(_connection, error)| error));
        tell.send(emptied.map_err(Error::from)).unwrap_or_default();
    }
}

/// Runs the jobs in one transaction and tells every caller how it ended.
///
/// A failure such as a full disk makes SQLite roll the whole transaction back. Then the jobs that ran before are told
/// that they failed, and those that did not run yet get a transaction of their own. An error means that there is none to be
/// had; all callers of the group know it then.
fn commit_together(connection: &mut Connection, group: Vec<Job>) -> Result<(), Error> {
    let mut waiting = group.into_iter();
    while waiting.len() > 0 {
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = match begun.map_err(Error::from) {
            Ok(transaction) => transaction,
            Err(error) => {
                waiting.for_each(|job| job(Err(error.clone()))(Err(error.clone())));
                return Err(error);
            }
        };
        let mut ran = Vec::new();
        let fate = run_in(transaction, &mut waiting, &mut ran);
        for settle in ran {
            settle(fate.clone());
        }
    }
    Ok(())
}

fn run_in(
    mut transaction: Transaction<'_>,
    waiting: &mut impl Iterator<Item = Job>,
    ran: &mut Vec<Settle>,
) -> Result<(), Error> {
    for job in waiting {
        ran.push(job(Ok(&mut transaction)));
        if transaction.is_autocommit() {
            return Err(Error::Failed(Arc::new(RolledBack)));
        }
    }
    Ok(transaction.commit()?)
}
