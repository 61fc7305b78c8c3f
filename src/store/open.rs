//! Selects the backend by the URL of the database.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::store::cached::{CachedStore, Invalidation};
use crate::store::database::Database;
use crate::store::interface::{OpenError, Store};
use crate::store::postgres::Postgres;
use crate::store::session_cache::SessionCache;
use crate::store::sqlite::Sqlite;

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
    let backend: Arc<dyn Invalidation> = if is_postgres(&database.url) {
        Arc::new(Postgres::open(&database, Arc::clone(&cache), now).await?)
    } else if let Some(path) = sqlite_path(&database.url) {
        let store = Sqlite::open(path, Arc::clone(&cache)).await?;
        Arc::new(store.recording_events(database.records_events))
    } else {
        return Err(OpenError::new(database.url, UNKNOWN_URL));
    };
    Ok(Arc::new(CachedStore::new(backend, cache)))
}

/// Checks the URL. Opens no connection.
///
/// # Errors
/// [`OpenError`] names the part of the URL that cannot be used.
pub fn check(database: &Database) -> Result<(), OpenError> {
    if is_postgres(&database.url) {
        Postgres::check(database)?;
    }
    Ok(())
}

pub(super) const UNKNOWN_URL: &str = "is of no kind that this program supports\n  \
                           hint: write sqlite:// and a path, as in sqlite://data/weapp.db";

/// Returns the path in a URL of a SQLite file.
pub(super) fn sqlite_path(url: &str) -> Option<&Path> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"))?;
    (!path.is_empty()).then(|| Path::new(path))
}

/// Returns `true` for the URL of a PostgreSQL database.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}
