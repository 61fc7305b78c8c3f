//! The queue of the writer thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::interface::Error;
use crate::store::session_cache::SessionCache;
use crate::store::sqlite::commits::CommitWatch;
use crate::store::sqlite::events::Changed;
use crate::store::sqlite::file_watch::FileWatch;
use crate::store::sqlite::problem::Problem;
use crate::store::sqlite::writer_thread::{Message, Open, Write, WriterThread};

/// Maximum number of pending writes. More are rejected, so that a disk that hangs costs neither memory nor minutes. Our
/// choice: many times what a working disk commits in a second.
const QUEUE: usize = 4096;

/// The sending end of the writer's queue.
pub(super) struct Writer {
    queue: Sender<Message>,
    /// Each pending write holds a clone, so the reference count is the length of the queue.
    pending: Arc<()>,
    is_closed: AtomicBool,
    /// If `true`, writes store events about their changes.
    pub(super) records_events: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("is_closed", &self.is_closed)
            .finish_non_exhaustive()
    }
}

/// More than [`QUEUE`] writes are pending.
#[derive(Debug, thiserror::Error)]
#[error("{QUEUE} writes are pending already")]
struct QueueFull;

/// The caller dropped its future before its statements ran, so the error reaches no one.
#[derive(Debug, thiserror::Error)]
#[error("the caller went away")]
struct CallerGone;

struct Call<T, F> {
    statements: F,
    result: Option<T>,
    changed: Changed,
    caller: oneshot::Sender<Result<T, Error>>,
    _pending: Arc<()>,
}

impl<T, F> Write for Call<T, F>
where
    T: Send,
    F: Fn(&Connection, &mut Changed) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.changed.digests.clear();
        self.result = None;
        if !self.caller.is_closed() {
            self.result = Some((self.statements)(connection, &mut self.changed)?);
        }
        Ok(())
    }

    fn reply(self: Box<Self>, cache: &SessionCache, outcome: Result<(), Error>) {
        let Self {
            result, changed, ..
        } = *self;
        cache.evict_all(&changed.digests);
        let gone = || Error::Failed(Arc::new(CallerGone));
        let reply = outcome.and_then(|()| result.ok_or_else(gone));
        // A caller that went away does not want the reply.
        self.caller.send(reply).unwrap_or_default();
    }
}

impl Writer {
    /// Starts the thread, which opens its connection with `open` and lives until [`Writer::close`] or until the writer is
    /// dropped.
    pub(super) async fn start(
        open: impl FnOnce() -> Result<Open, Problem> + Send + 'static,
        cache: Arc<SessionCache>,
    ) -> Result<(Self, Arc<FileWatch>, Arc<CommitWatch>), Problem> {
        let (queue, messages) = channel();
        let (started, start) = oneshot::channel();
        let run = move || match open() {
            Ok(open) => {
                let watches = (Arc::clone(&open.files), Arc::clone(&open.commits));
                let thread = WriterThread::new(open, cache);
                started.send(Ok(watches)).unwrap_or_default();
                thread.run(&messages);
            }
            Err(problem) => started.send(Err(problem)).unwrap_or_default(),
        };
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(run)
            .map_err(Problem::NoThread)?;
        let (files, commits) = start.await.map_err(|_panicked| Problem::Panicked)??;
        let writer = Self {
            queue,
            pending: Arc::new(()),
            is_closed: AtomicBool::new(false),
            records_events: false,
        };
        Ok((writer, files, commits))
    }

    /// Runs statements in a transaction. Replies when they are durable or rolled back.
    ///
    /// A caller that drops the future before the statements run withdraws them. Once they run, they are committed with
    /// the others.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        statements: impl Fn(&Connection, &mut Changed) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let pending = Arc::clone(&self.pending);
        if Arc::strong_count(&pending) > QUEUE {
            return Err(Error::Failed(Arc::new(QueueFull)));
        }
        let (caller, reply) = oneshot::channel();
        let call = Call {
            statements,
            result: None,
            changed: Changed {
                records_events: self.records_events,
                ..Changed::default()
            },
            caller,
            _pending: pending,
        };
        self.queue
            .send(Message::Write(Box::new(call)))
            .map_err(|_closed| Error::Closed)?;
        reply.await.map_err(|_closed| Error::Closed)?
    }

    /// Has the thread look for commits by other processes.
    pub(super) fn look(&self) {
        // A thread that has ended has no cache to check.
        self.queue.send(Message::Look).unwrap_or_default();
    }

    /// Fails after [`Writer::close`] was called.
    pub(super) fn is_open(&self) -> Result<(), Error> {
        if self.is_closed.load(Ordering::Acquire) {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    /// Commits the queued writes, copies the log file into the database, and ends the thread.
    pub(super) async fn close(&self) -> Result<(), Error> {
        self.is_closed.store(true, Ordering::Release);
        let (closer, reply) = oneshot::channel();
        self.queue
            .send(Message::Close(closer))
            .map_err(|_closed| Error::Closed)?;
        reply.await.map_err(|_closed| Error::Closed)?
    }
}
