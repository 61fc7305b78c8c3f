//! The embedded store: one SQLite file, one writer that commits in groups, any number of readers.
//!
//! Knows rows and statements. Never knows what they mean to a login, or any other backend.

mod census;

mod ledger;
mod memory;
#[cfg(test)]
mod memory_tests;
mod open;
mod rows;
#[cfg(test)]
mod tests;
mod wal_index;
mod writer;
#[cfg(test)]
mod writer_tests;

use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::identity::UserId;
use crate::session::{ProfileChange, Sealed, Session, SessionStatus, TokenDigest, User};
use crate::store::{
    Claim, Claimed, Error, Holder, LedgerKey, LoggedIn, Login, Reply, Revocation, Store, Update,
};

use memory::{Memory, Recalled};
pub use open::{OpenError, Problem};
use wal_index::Commits;
use writer::Writer;

/// A store in one SQLite file.
#[derive(Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
    writer: Writer,
    /// Connections that nobody reads from at the moment. There come to be as many as read at once: one per worker.
    readers: Mutex<Vec<Connection>>,
    /// Dropped after all connections, as [`Commits`] wants it.
    memory: Arc<Memory>,
}

impl Sqlite {
    /// Opens the file, creating and migrating it as needed.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let open = || {
            let connection = open::writer(path)?;
            // A new file has no header of commits before the first read.
            rows::ready(&connection)?;
            let memory = Arc::new(Memory::new(Commits::of(path)));
            let writer = Writer::start(connection, Arc::clone(&memory));
            Ok((writer.map_err(Problem::NoThread)?, memory))
        };
        let (writer, memory) =
            open().map_err(|problem: Problem| problem.of(path.to_string_lossy()))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            memory,
            readers: Mutex::default(),
        })
    }

    /// Reads on the calling thread: a look-up in the page cache takes microseconds, less than handing it to another
    /// thread would, and readers of a WAL never wait for the writer.
    fn read<T>(
        &self,
        look_up: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let idle = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path)?,
        };
        let answer = look_up(&connection)?;
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        Ok(answer)
    }
}

impl Store for Sqlite {
    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn> {
        Box::pin(
            self.writer
                .write(move |connection, changed| rows::log_in(connection, changed, &login)),
        )
    }

    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>> {
        Box::pin(async move {
            self.writer.is_open()?;
            self.read(|connection| rows::find(connection, digest))
        })
    }

    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        let status = self.writer.is_open().and_then(|()| {
            let place = match self.memory.recall(digest) {
                Recalled::Known(status) => return Ok(Some(status)),
                Recalled::Unknown(place) => Some(place),
                Recalled::Untrusted(look) => {
                    if look {
                        self.writer.look();
                    }
                    None
                }
            };
            let status = self.read(|connection| rows::session_status(connection, digest))?;
            if let (Some(place), Some(status)) = (place, &status) {
                place.fill(status);
            }
            Ok(status)
        });
        Box::pin(ready(status))
    }

    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>> {
        Box::pin(async move {
            self.writer.is_open()?;
            self.read(|connection| rows::sessions_of(connection, user))
        })
    }

    fn count_sessions(&self) -> Reply<'_, u64> {
        Box::pin(async move {
            self.writer.is_open()?;
            let path = self.path.clone();
            let count = move || Ok(census::sessions(&open::reader(&path)?)?);
            let counted = tokio::task::spawn_blocking(count).await;
            counted.map_err(|error| Error::Failed(Arc::new(error)))?
        })
    }

    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool> {
        Box::pin(
            self.writer.write(move |connection, changed| {
                rows::update(connection, changed, digest, &update)
            }),
        )
    }

    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize> {
        Box::pin(
            self.writer
                .write(move |connection, changed| rows::revoke(connection, changed, revocation)),
        )
    }

    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>> {
        Box::pin(
            self.writer
                .write(move |connection, _changed| rows::change_profile(connection, user, &change)),
        )
    }

    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, usize> {
        Box::pin(self.writer.write(move |connection, changed| {
            ledger::sweep(connection, now)?;
            rows::sweep(connection, changed, now, idle)
        }))
    }

    fn claim(&self, claim: Claim) -> Reply<'_, Claimed> {
        Box::pin(async move {
            self.writer.is_open()?;
            match self.read(|connection| ledger::look(connection, &claim))? {
                Some(answer) => Ok(answer),
                None => {
                    self.writer
                        .write(move |connection, _changed| ledger::claim(connection, &claim))
                        .await
                }
            }
        })
    }

    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, bool> {
        Box::pin(self.writer.write(move |connection, _changed| {
            ledger::keep(connection, key, holder, &value, expires_at)
        }))
    }

    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        Box::pin(
            self.writer
                .write(move |connection, _changed| ledger::release(connection, key, holder)),
        )
    }

    fn ready(&self) -> Reply<'_, ()> {
        Box::pin(
            self.writer
                .write(|connection, _changed| rows::ready(connection)),
        )
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
            self.writer.close().await
        })
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(Arc::new(error))
    }
}
