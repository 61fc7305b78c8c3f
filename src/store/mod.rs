//! Keeps users, sessions and the ledger: one trait in domain terms, with one folder per backend.
//!
//! The URL of a database selects the backend in this file.

mod accounts;
mod cached;
mod clock;
#[cfg(test)]
mod contract;
mod copy;
mod database;
mod events;
mod interface;
mod ledger;
pub mod once;
#[cfg(test)]
mod once_tests;
mod opened;
mod people;
mod postgres;
mod session_cache;
mod sqlite;
#[cfg(test)]
pub(crate) mod temporary;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::settings::sqlite_file;

use cached::{CachedStore, Invalidation};
use copy::rows::{CONTENTS, Rows};
use postgres::Postgres;
use postgres::copy::PostgresRows;
use session_cache::SessionCache;
use sqlite::Sqlite;
use sqlite::copy::SqliteRows;

pub use accounts::{LoginCount, NodeId, Statistics, UserKey, UserPage, UserPosition, UserQuery};
pub use copy::{Copied, CopyError, Progress};
pub use database::Database;
pub use events::{Event, EventRemoval};
pub use interface::{
    Error, KeptNumber, LoggedIn, Login, Migrated, OpenError, Reply, Revocation, Store, Swept,
    Update,
};
pub use ledger::{Claim, Claimed, Holder, LedgerKey, Version};
pub use people::{
    ConflictPage, ConflictPosition, ConflictQuery, Decision, LateUnionId, Resolution, Resolved,
    UserConflict, UserIdentity,
};

/// A database, by the backend that its URL selects.
enum Backend<'a> {
    Sqlite(&'a Path),
    Postgres(&'a Database),
}

impl<'a> Backend<'a> {
    fn of(database: &'a Database) -> Result<Self, OpenError> {
        let url = database.url.as_str();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(database));
        }
        match sqlite_file(url) {
            Some(file) if !file.is_empty() => Ok(Self::Sqlite(Path::new(file))),
            _ => Err(OpenError::new(url, UNKNOWN_URL)),
        }
    }
}

const UNKNOWN_URL: &str = "is of no kind that this program supports\n  \
                           hint: write sqlite:// and a path, as in sqlite://data/weapp.db";
const NOT_A_FILE: &str =
    "is no file\n  hint: back it up with PostgreSQL's pg_dump or pg_basebackup";

/// Checks the URL. Opens no connection.
///
/// # Errors
/// [`OpenError`] names the part of the URL that cannot be used.
pub fn check(database: &Database) -> Result<(), OpenError> {
    match Backend::of(database)? {
        Backend::Sqlite(_) => Ok(()),
        Backend::Postgres(database) => Postgres::check(database),
    }
}

/// Opens the store at a URL such as `sqlite://data/weapp.db` or `postgres://weapp@db/weapp`, and creates and migrates it as
/// needed.
///
/// # Errors
/// [`OpenError`] names the database that cannot be used and says how to fix that.
pub async fn open(database: impl Into<Database>) -> Result<Arc<dyn Store>, OpenError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the probe compares the clock with the database's"
    )]
    let now = Timestamp::now;
    let database = database.into();
    let cache = Arc::new(SessionCache::new());
    let backend: Arc<dyn Invalidation> = match Backend::of(&database)? {
        Backend::Sqlite(path) => {
            let store = Sqlite::open(path, Arc::clone(&cache)).await?;
            Arc::new(store.recording_events(database.records_events))
        }
        Backend::Postgres(database) => {
            Arc::new(Postgres::open(database, Arc::clone(&cache), now).await?)
        }
    };
    Ok(Arc::new(CachedStore::new(backend, cache)))
}

/// Creates the tables of a database, and applies the missing migrations, as [`open`] does.
///
/// # Errors
/// [`OpenError`] says why the schema cannot be used or changed. It is unchanged then.
pub async fn migrate(database: &Database) -> Result<Migrated, OpenError> {
    match Backend::of(database)? {
        Backend::Sqlite(path) => sqlite::open::migrate_file(path),
        Backend::Postgres(database) => Postgres::migrate(database).await,
    }
}

/// Writes a copy of a database to a new file, while servers may use it.
///
/// Blocks until the copy is on the disk.
///
/// # Errors
/// [`OpenError`] says what failed and how to fix that. There is no copy then.
pub fn backup(database: &Database, target: &Path) -> Result<(), OpenError> {
    match Backend::of(database)? {
        Backend::Sqlite(path) => sqlite::backup::back_up(path, target),
        Backend::Postgres(database) => Err(OpenError::new(&database.url, NOT_A_FILE)),
    }
}

/// Copies the users, the sessions and the ledger of one database to another one, and compares the contents of the two.
///
/// No server may use them in the meantime: a change is detected at the end. Goes on after the rows that an earlier run
/// has copied.
///
/// # Errors
/// [`CopyError`] says what is wrong and what to do. Nothing is written to a database with other rows.
pub async fn copy(
    from: &Database,
    to: &Database,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<[Copied; CONTENTS.len()], CopyError> {
    if from.url == to.url {
        return Err(CopyError::Same(from.url.clone()));
    }
    let source = (&*from.url, rows(from, true).await?);
    let target = (&*to.url, rows(to, false).await?);
    copy::copy(source, target, on_progress).await
}

/// Opens a database to copy its rows, and creates it if it need not exist.
async fn rows(database: &Database, must_exist: bool) -> Result<Box<dyn Rows>, OpenError> {
    Ok(match Backend::of(database)? {
        Backend::Sqlite(path) => Box::new(SqliteRows::open(path, must_exist)?),
        Backend::Postgres(database) => Box::new(PostgresRows::open(database).await?),
    })
}
