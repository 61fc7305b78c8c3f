//! Reasons why a database file cannot be used.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::store::interface::Error;
use crate::store::sqlite::file_watch::Replaced;

/// A reason why a database file cannot be used. Completes a sentence that begins with the name of the database.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// The folder or the file cannot be created.
    #[error(
        "cannot be created: {0}\n  hint: make its folder writable for this user, or set store.url to another file"
    )]
    CannotCreate(io::Error),
    /// There is no file to copy.
    #[error("does not exist\n  hint: check the path; a relative one begins in the working folder")]
    Missing,
    /// The file exists but cannot be written.
    #[error(
        "is read-only\n  hint: make the file and its folder writable for this user, or set store.url to another file"
    )]
    ReadOnly,
    /// The file may not be opened by this user.
    #[error(
        "cannot be opened: this user has no permission for `{file}`, which belongs to the user with the id {owner}\n  \
         hint: run the process as that user, or give all files of the database to the user of the process, with chown"
    )]
    NotPermitted {
        /// The database or one of its `-wal` and `-shm` files.
        file: String,
        /// The id of its owner.
        owner: u32,
    },
    /// The file is not a SQLite database.
    #[error("is no SQLite database\n  hint: move that file away, or set store.url to another file")]
    NotADatabase,
    /// The database was created by another program.
    #[error("belongs to another program\n  hint: set store.url to another file")]
    Foreign,
    /// The database was written by a newer version of this program.
    #[error(
        "has schema {found}, and this program supports none later than {supported}\n  hint: run the newer version of weapp-login that wrote it"
    )]
    Newer {
        /// The schema version of the database.
        found: i64,
        /// The latest schema version that this program supports.
        supported: usize,
    },
    /// The file for the backup exists.
    #[error("cannot be backed up: the file `{}` exists\n  hint: name a new file", .0.display())]
    BackupExists(PathBuf),
    /// The backup cannot be written.
    #[error(
        "cannot be backed up to `{}`: {error}\n  hint: name a file in a folder that this user can write to",
        target.display()
    )]
    CannotBackUp {
        /// The file for the backup.
        target: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// SQLite failed in another way.
    #[error("cannot be opened: {0}")]
    Failed(rusqlite::Error),
    /// The operating system did not start the writer thread.
    #[error("cannot be opened: the writer thread does not start: {0}")]
    NoThread(io::Error),
    /// The writer thread panicked.
    #[error("cannot be opened: the writer thread panicked")]
    Panicked,
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Failed(error),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(Arc::new(error))
    }
}

impl From<Replaced> for Error {
    fn from(error: Replaced) -> Self {
        Self::Failed(Arc::new(error))
    }
}
