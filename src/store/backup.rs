//! Selects the way to back up a database by its URL.

use std::path::Path;

use crate::store::interface::OpenError;
use crate::store::open::{UNKNOWN_URL, is_postgres, sqlite_path};
use crate::store::sqlite::backup::back_up;

/// Writes a copy of the database at a URL such as `sqlite://data/weapp.db` to a new file, while servers may use it.
///
/// Blocks until the copy is on the disk.
///
/// # Errors
/// [`OpenError`] says what failed and how to fix that. There is no copy then.
pub fn backup(url: &str, target: &Path) -> Result<(), OpenError> {
    match sqlite_path(url) {
        Some(path) => back_up(path, target),
        None if is_postgres(url) => Err(OpenError::new(url, NOT_A_FILE)),
        None => Err(OpenError::new(url, UNKNOWN_URL)),
    }
}

const NOT_A_FILE: &str =
    "is no file\n  hint: back it up with PostgreSQL's pg_dump or pg_basebackup";
