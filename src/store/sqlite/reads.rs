//! Reads, next to the writer, and the check of the cache.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::store::cached::Invalidation;
use crate::store::interface::Error;
use crate::store::sqlite::commits::State;
use crate::store::sqlite::{Sqlite, open};

impl Sqlite {
    pub(super) fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on the calling thread, unless the store is closed. A lookup in the page cache takes microseconds, less than
    /// passing it to another thread, and in WAL mode readers never wait for the writer.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.writer.is_open()?;
        let idle = self.readers().pop();
        let connection = if let Some(connection) = idle {
            connection
        } else {
            let connection = open::reader(&self.path)?;
            // It may have opened another file than the writer.
            self.files.check()?;
            connection
        };
        let result = query(&connection)?;
        self.readers().push(connection);
        self.files.check_recent()?;
        Ok(result)
    }

    /// Reads on a thread of its own: for queries that take longer than passing them to another thread.
    pub(super) async fn read_aside<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.writer.is_open()?;
        let path = self.path.clone();
        let read = move || Ok(query(&open::reader(&path)?)?);
        let result = tokio::task::spawn_blocking(read).await;
        let result = result.map_err(|error| Error::Failed(Arc::new(error)))?;
        self.files.check()?;
        result
    }

    /// Reads a session. There is none only if the file that was read is still the one at its path.
    pub(super) fn read_session<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<Option<T>>,
    ) -> Result<Option<T>, Error> {
        let found = self.read(query)?;
        if found.is_none() {
            self.files.check()?;
        }
        Ok(found)
    }
}

impl Invalidation for Sqlite {
    fn is_cache_current(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        // The first reader after a commit requests a look, and until that is done all readers read the file.
        let is_current = self.writer.is_open().is_ok()
            && self.files.check_recent().is_ok()
            && match self.commits.compare() {
                State::Unchanged => true,
                State::Unknown { requests_look } => {
                    if requests_look {
                        self.writer.look();
                    }
                    false
                }
            };
        Box::pin(ready(is_current))
    }
}
