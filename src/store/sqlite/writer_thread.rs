//! The thread that writes. Writes that arrive during a commit share the next one.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::store::interface::Error;
use crate::store::session_cache::SessionCache;
use crate::store::sqlite::commits::CommitWatch;
use crate::store::sqlite::file_watch::FileWatch;

/// Maximum number of writes per commit, which limits the time that the first of them waits. Our choice.
const BATCH: usize = 256;

/// Maximum number of looks at the database in a row. If another process commits between any two of them, the session
/// cache is not used.
const LOOKS: usize = 3;

/// An open database.
pub(super) struct Open {
    pub(super) connection: Connection,
    pub(super) files: Arc<FileWatch>,
    pub(super) commits: Arc<CommitWatch>,
}

/// A message to the thread.
pub(super) enum Message {
    /// A write to be run in the next transaction.
    Write(Box<dyn Write>),
    /// A reader has found a commit that was not confirmed.
    Look,
    /// Close the database after the pending writes.
    Close(oneshot::Sender<Result<(), Error>>),
}

/// The statements of one caller.
pub(super) trait Write: Send {
    /// Runs the statements, unless the caller has gone away. They run again if the transaction is rolled back because
    /// another write failed.
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    /// Evicts the changed sessions and replies to the caller, after the commit or rollback.
    fn reply(self: Box<Self>, cache: &SessionCache, outcome: Result<(), Error>);
}

/// The state of the thread.
pub(super) struct WriterThread {
    connection: Connection,
    cache: Arc<SessionCache>,
    /// SQLite's counter of other processes' commits, when the cache was last known to agree with the database.
    version: Option<i64>,
    files: Arc<FileWatch>,
    /// The last field, because it must be dropped after the connection.
    commits: Arc<CommitWatch>,
}

impl WriterThread {
    /// Takes the connection to write with. The cache agrees with the database from here on.
    pub(super) fn new(open: Open, cache: Arc<SessionCache>) -> Self {
        let mut thread = Self {
            connection: open.connection,
            cache,
            version: None,
            files: open.files,
            commits: open.commits,
        };
        thread.look();
        thread
    }

    /// Handles messages until [`Message::Close`], or until the queue's sending end is dropped.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let mut closer = None;
        while closer.is_none() {
            let Ok(first) = messages.recv() else { return };
            let mut batch = Vec::new();
            for message in std::iter::once(first).chain(messages.try_iter().take(BATCH - 1)) {
                match message {
                    Message::Write(write) => batch.push(write),
                    Message::Look => {}
                    Message::Close(sender) => {
                        closer = Some(sender);
                        break;
                    }
                }
            }
            if let Err(error) = self.commit_together(batch) {
                // The others would wait for the same lock, after having waited as long as a write may take.
                for message in messages.try_iter() {
                    match message {
                        Message::Write(write) => write.reply(&self.cache, Err(error.clone())),
                        Message::Look => {}
                        Message::Close(sender) => closer = Some(sender),
                    }
                }
            }
            self.look();
        }
        if let Some(closer) = closer {
            let result = self.close().map_err(Error::from);
            closer.send(result).unwrap_or_default();
        }
    }

    /// Copies the log file into the database and closes it. If the database was replaced, SQLite leaves the log file in place,
    /// but empty, so that it does not change the database that has taken its place.
    fn close(self) -> rusqlite::Result<()> {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        self.connection.query_row(checkpoint, (), |_row| Ok(()))?;
        self.connection.close().map_err(|(_, error)| error)
    }

    /// Runs the writes in one transaction and replies to all callers.
    ///
    /// If a write fails, the transaction is rolled back, that caller gets the error, and the others run again without it.
    /// Failures are rare, and for a savepoint around each write SQLite would copy every page that the write changes.
    ///
    /// # Errors
    /// If no transaction can be started. All callers have got the error then.
    fn commit_together(&mut self, mut batch: Vec<Box<dyn Write>>) -> Result<(), Error> {
        while !batch.is_empty() {
            let begun = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = match begun.map_err(Error::from) {
                Ok(transaction) => transaction,
                Err(error) => {
                    reply_to_all(batch, &self.cache, &Err(error.clone()));
                    return Err(error);
                }
            };
            let failed = batch.iter_mut().enumerate().find_map(|(index, write)| {
                let failure = write.run(&transaction).err()?;
                Some((index, Error::from(failure)))
            });
            if let Some((index, failure)) = failed {
                drop(transaction);
                batch.remove(index).reply(&self.cache, Err(failure));
                continue;
            }
            let committed = transaction.commit().map_err(Error::from);
            // What was written to a file without a name is lost when the process ends.
            let outcome = committed.and_then(|()| Ok(self.files.check()?));
            if outcome.is_err() {
                self.cache.clear();
            }
            reply_to_all(batch, &self.cache, &outcome);
            break;
        }
        Ok(())
    }

    /// Clears the cache if another process has committed since the last look, and confirms the present state.
    fn look(&mut self) {
        for _ in 0..LOOKS {
            let version = version(&self.connection);
            if version.is_none() || version != self.version {
                self.cache.clear();
                self.version = version;
            }
            let is_unchanged = || version.is_some() && self::version(&self.connection) == version;
            if self.commits.confirm(is_unchanged) {
                return;
            }
        }
    }
}

/// Reads the counter that SQLite changes when another connection commits, and never for this connection's own commits.
///
/// Source: [PRAGMA data_version](https://www.sqlite.org/pragma.html#pragma_data_version), read 2026-11-24.
fn version(connection: &Connection) -> Option<i64> {
    let mut statement = connection.prepare_cached("PRAGMA data_version").ok()?;
    statement.query_row((), |row| row.get(0)).ok()
}

fn reply_to_all(batch: Vec<Box<dyn Write>>, cache: &SessionCache, outcome: &Result<(), Error>) {
    for write in batch {
        write.reply(cache, outcome.clone());
    }
}
