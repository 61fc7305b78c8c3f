//! Opens a store, with its writer and the watches of its file.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::store::interface::OpenError;
use crate::store::session_cache::SessionCache;
use crate::store::sqlite::commits::CommitWatch;
use crate::store::sqlite::file_watch::FileWatch;
use crate::store::sqlite::writer::Writer;
use crate::store::sqlite::writer_thread::Open;
use crate::store::sqlite::{Sqlite, open, users};

impl Sqlite {
    /// Opens the file, and creates and migrates it as needed. Evicts from `cache` the sessions that this
    /// process or another one changes.
    pub(in crate::store) async fn open(
        path: &Path,
        cache: Arc<SessionCache>,
    ) -> Result<Self, OpenError> {
        let file = path.to_owned();
        let open = move || {
            let connection = open::writer(&file)?;
            // A new file has no WAL index before the first read.
            users::read(&connection)?;
            Ok(Open {
                connection,
                files: Arc::new(FileWatch::new(&file)),
                commits: Arc::new(CommitWatch::new(&file)),
            })
        };
        let (writer, files, commits) = Writer::start(open, cache)
            .await
            .map_err(|problem| OpenError::new(path.to_string_lossy(), problem))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            readers: Mutex::default(),
            files,
            commits,
        })
    }

    /// Stores events about the changes, if wanted.
    pub(in crate::store) fn recording_events(mut self, wanted: bool) -> Self {
        self.writer.records_events = wanted;
        self
    }
}
