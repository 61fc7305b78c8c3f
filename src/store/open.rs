//! Selects the backend by the URL of the database.

use std::path::Path;
use std::sync::Arc;

use crate::store::cached::CachedStore;
use crate::store::interface::{OpenError, Store};
use crate::store::session_cache::SessionCache;
use crate::store::sqlite::Sqlite;

/// Opens the store at a URL such as `sqlite://data/weapp.db`, and creates and migrates it as needed.
///
/// # Errors
/// [`OpenError`] names the database that cannot be used and says how to fix that.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let cache = Arc::new(SessionCache::new());
    let backend = match sqlite_path(url) {
        Some(path) => Sqlite::open(path, Arc::clone(&cache)).await?,
        None => return Err(OpenError::new(url, UNKNOWN_URL)),
    };
    Ok(Arc::new(CachedStore::new(Arc::new(backend), cache)))
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
