//! The one thread that writes: what arrives while a commit is under way shares the next one.
//!
//! Knows transactions, and what must be forgotten before one is answered. Never knows the statements inside them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::session::TokenDigest;
use crate::store::Error;
use crate::store::sqlite::memory::Memory;

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
    /// Somebody has found a commit that was not noted.
    Look,
    Close(oneshot::Sender<Result<(), Error>>),
}

/// One caller's statements. They run in the transaction, or learn that there is none; what comes back tells the caller
/// once the fate of the transaction is known.
type Job = Box<dyn FnOnce(Result<&mut Transaction<'_>, Error>) -> Settle + Send>;
type Settle = Box<dyn FnOnce(&Memory, Result<(), Error>) + Send>;

/// The sessions that statements have changed or ended.
pub(super) type Changed = Vec<TokenDigest>;

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
    pub(super) fn start(connection: Connection, memory: Arc<Memory>) -> io::Result<Self> {
        let (queue, messages) = channel();
        let mut running = Running {
            connection,
            memory,
            version: None,
        };
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                running.look();
                running.run(&messages);
            })?;
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
        statements: impl FnOnce(&Connection, &mut Changed) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.waiting);
        if Arc::strong_count(&place) > QUEUE {
            return Err(Error::Failed(Arc::new(QueueFull)));
        }
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            drop(place);
            let mut changed = Changed::new();
            let result = match transaction {
                Ok(_) if tell.is_closed() => Err(Error::Failed(Arc::new(CallerGone))),
                Ok(transaction) => in_savepoint(transaction, |connection| {
                    statements(connection, &mut changed)
                }),
                Err(error) => Err(error),
            };
            Box::new(move |memory, fate| {
                for digest in changed {
                    memory.forget(digest);
                }
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

    /// Has the thread look whether another process has committed.
    pub(super) fn look(&self) {
        // A thread that is gone has nothing to look after.
        self.queue.send(Message::Look).unwrap_or_default();
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
    connection: &Connection,
    statements: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Error> {
    // Prepared once: rusqlite's own savepoints are parsed anew for each job.
    let run = |statement| connection.prepare_cached(statement)?.execute(());
    run("SAVEPOINT job")?;
    let value = statements(connection);
    // Where SQLite has given up on the whole transaction, there is no savepoint left.
    if !connection.is_autocommit() {
        if value.is_err() {
            run("ROLLBACK TO job")?;
        }
        run("RELEASE job")?;
    }
    Ok(value?)
}

/// The thread.
struct Running {
    connection: Connection,
    memory: Arc<Memory>,
    /// SQLite's count of other processes' commits when it was last looked at.
    version: Option<i64>,
}

impl Running {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Ok(first) = messages.recv() else { return };
            let mut group = Vec::new();
            for message in std::iter::once(first).chain(messages.try_iter().take(GROUP - 1)) {
                match message {
                    Message::Write(job) => group.push(job),
                    Message::Look => {}
                    Message::Close(tell) => {
                        closing = Some(tell);
                        break;
                    }
                }
            }
            if let Err(error) = self.commit_together(group) {
                // Whoever holds the file has held it for as long as anybody should wait.
                for message in messages.try_iter() {
                    match message {
                        Message::Write(job) => {
                            job(Err(error.clone()))(&self.memory, Err(error.clone()));
                        }
                        Message::Look => {}
                        Message::Close(tell) => closing = Some(tell),
                    }
                }
            }
            self.look();
        }
        if let Some(tell) = closing {
            let emptied = self
                .connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_row| Ok(()))
                .and_then(|()| self.connection.close().map_err(|(_, error)| error));
            tell.send(emptied.map_err(Error::from)).unwrap_or_default();
        }
    }

    /// Runs the jobs in one transaction and tells every caller how it ended.
    ///
    /// A failure such as a full disk makes SQLite roll the whole transaction back. Then the jobs that ran before are told
    /// that they failed, and those that did not run yet get a transaction of their own. An error means that there is none to
    /// be had; all callers of the group know it then.
    fn commit_together(&mut self, group: Vec<Job>) -> Result<(), Error> {
        let mut waiting = group.into_iter();
        while waiting.len() > 0 {
            let begun = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = match begun.map_err(Error::from) {
                Ok(transaction) => transaction,
                Err(error) => {
                    waiting
                        .for_each(|job| job(Err(error.clone()))(&self.memory, Err(error.clone())));
                    return Err(error);
                }
            };
            let mut ran = Vec::new();
            let fate = run_in(transaction, &mut waiting, &mut ran);
            if fate.is_err() {
                self.memory.forget_all();
            }
            for settle in ran {
                settle(&self.memory, fate.clone());
            }
        }
        Ok(())
    }

    /// Forgets everything if another process has committed since the last look, and agrees with what there is now.
    fn look(&mut self) {
        for _ in 0..LOOKS {
            let version = version(&self.connection);
            if version.is_none() || version != self.version {
                self.memory.forget_all();
                self.version = version;
            }
            let unchanged = || version.is_some() && self::version(&self.connection) == version;
            if self.memory.agree(unchanged) {
                return;
            }
        }
    }
}

/// How often the thread looks at once. Another process that commits between any two looks keeps it from ever agreeing; then
/// readers go on without memory.
const LOOKS: usize = 3;

/// What SQLite changes whenever another connection commits, and never for this one's own commits.
///
/// Source: [PRAGMA data_version](https://www.sqlite.org/pragma.html#pragma_data_version), read 2026-11-24.
fn version(connection: &Connection) -> Option<i64> {
    let mut statement = connection.prepare_cached("PRAGMA data_version").ok()?;
    statement.query_row((), |row| row.get(0)).ok()
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
