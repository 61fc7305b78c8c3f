//! The embedded store: one SQLite file, one writer that commits in groups, any number of readers.
//!
//! Knows rows and statements. Never knows what they mean to a login, or any other backend.

mod ledger;
mod open;
mod rows;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::identity::UserId;
use crate::session::{ProfileChange, Sealed, Session, TokenDigest, User};
use crate::store::{
    Claim, Claimed, Ending, Error, Holder, LedgerKey, LoggedIn, Login, Reply, Store, Update,
};

pub use open::{OpenError, Problem};
use writer::Writer;

/// A store in one SQLite file.
#[derive(Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
    writer: Writer,
    /// Connections that nobody reads from at the moment. There come to be as many as read at once: one per worker.
    readers: Mutex<Vec<Connection>>,
}

impl Sqlite {
    /// Opens the file, creating and migrating it as needed.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let writer = open::writer(path)
            .and_then(|connection| Writer::start(connection).map_err(Problem::NoThread))
            .map_err(|problem| problem.of(path.to_string_lossy()))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
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
                .write(move |connection| rows::log_in(connection, &login)),
        )
    }

    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>> {
        Box::pin(async move {
            self.writer.is_open()?;
            self.read(|connection| rows::find(connection, digest))
        })
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
            let count = move || Ok(rows::count_sessions(&open::reader(&path)?)?);
            let counted = tokio::task::spawn_blocking(count).await;
            counted.map_err(|error| Error::Failed(Arc::new(error)))?
        })
    }

    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool> {
        Box::pin(
            self.writer
                .write(move |connection| rows::update(connection, digest, &update)),
        )
    }

    fn end(&self, ending: Ending) -> Reply<'_, usize> {
        Box::pin(
            self.writer
                .write(move |connection| rows::end(connection, ending)),
        )
    }

    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>> {
        Box::pin(
            self.writer
                .write(move |connection| rows::change_profile(connection, user, &change)),
        )
    }

    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, usize> {
        Box::pin(self.writer.write(move |connection| {
            ledger::sweep(connection, now)?;
            rows::sweep(connection, now, idle)
        }))
    }

    fn claim(&self, claim: Claim) -> Reply<'_, Claimed> {
        Box::pin(async move {
            self.writer.is_open()?;
            match self.read(|connection| ledger::look(connection, &claim))? {
                Some(answer) => Ok(answer),
                None => {
                    self.writer
                        .write(move |connection| ledger::claim(connection, &claim))
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
        Box::pin(
            self.writer
                .write(move |connection| ledger::keep(connection, key, holder, &value, expires_at)),
        )
    }

    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        Box::pin(
            self.writer
                .write(move |connection| ledger::release(connection, key, holder)),
        )
    }

    fn ready(&self) -> Reply<'_, ()> {
        Box::pin(self.writer.write(rows::ready))
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
