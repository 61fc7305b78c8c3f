//! The one thread that writes: what arrives while a commit is under way shares the next one.
//!
//! Knows transactions, and what must be forgotten before one is answered. Never knows the statements inside them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::{Connection, TransactionBehavior};
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
    /// Counts the writes that are not answered yet: each holds a copy.
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
    Write(Box<dyn Job>),
    /// Somebody has found a commit that was not noted.
    Look,
    Close(oneshot::Sender<Result<(), Error>>),
}

/// The sessions that statements have changed or ended.
pub(super) type Changed = Vec<TokenDigest>;

/// What callers are told when too many wait already.
#[derive(Debug, thiserror::Error)]
#[error("{QUEUE} writes are waiting already")]
struct QueueFull;

/// What nobody is told: the caller went away before its statements ran.
#[derive(Debug, thiserror::Error)]
#[error("the caller went away")]
struct CallerGone;

/// One caller's statements.
trait Job: Send {
    /// Runs them, unless the caller has gone away. They run once more if the transaction is rolled back for another's sake.
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    /// Tells the caller, once the fate of the transaction is known.
    fn settle(self: Box<Self>, memory: &Memory, fate: Result<(), Error>);
}

struct Call<T, F> {
    statements: F,
    gave: Option<T>,
    changed: Changed,
    caller: oneshot::Sender<Result<T, Error>>,
    /// Its place among those that wait.
    _place: Arc<()>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: Fn(&Connection, &mut Changed) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.changed.clear();
        self.gave = None;
        if !self.caller.is_closed() {
            self.gave = Some((self.statements)(connection, &mut self.changed)?);
        }
        Ok(())
    }

    fn settle(self: Box<Self>, memory: &Memory, fate: Result<(), Error>) {
        let Self { gave, changed, .. } = *self;
        for digest in changed {
            memory.forget(digest);
        }
        let gone = || Error::Failed(Arc::new(CallerGone));
        let answer = fate.and_then(|()| gave.ok_or_else(gone));
        // A caller that went away does not want the answer.
        self.caller.send(answer).unwrap_or_default();
    }
}

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
        statements: impl Fn(&Connection, &mut Changed) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.waiting);
        if Arc::strong_count(&place) > QUEUE {
            return Err(Error::Failed(Arc::new(QueueFull)));
        }
        let (caller, told) = oneshot::channel();
        let call = Call {
            statements,
            gave: None,
            changed: Changed::new(),
            caller,
            _place: place,
        };
        self.queue
            .send(Message::Write(Box::new(call)))
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
                            job.settle(&self.memory, Err(error.clone()));
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
    /// If one fails, the transaction is rolled back, that one is told, and the others run again without it: failures are
    /// rare, and for a savepoint around each job SQLite would keep a copy of every page that the job changes. An error means
    /// that there is no transaction to be had; all callers of the group know it then.
    fn commit_together(&mut self, mut group: Vec<Box<dyn Job>>) -> Result<(), Error> {
        while !group.is_empty() {
            let begun = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = match begun.map_err(Error::from) {
                Ok(transaction) => transaction,
                Err(error) => {
                    settle(&mut group, &self.memory, &Err(error.clone()));
                    return Err(error);
                }
            };
            let failed = group.iter_mut().enumerate().find_map(|(place, job)| {
                let failure = job.run(&transaction).err()?;
                Some((place, Error::from(failure)))
            });
            if let Some((place, failure)) = failed {
                drop(transaction);
                group.remove(place).settle(&self.memory, Err(failure));
                continue;
            }
            let fate = transaction.commit().map_err(Error::from);
            if fate.is_err() {
                self.memory.forget_all();
            }
            settle(&mut group, &self.memory, &fate);
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

fn settle(group: &mut Vec<Box<dyn Job>>, memory: &Memory, fate: &Result<(), Error>) {
    for job in group.drain(..) {
        job.settle(memory, fate.clone());
    }
}
