//! Selects the way to migrate a database by its URL.

use crate::store::database::Database;
use crate::store::interface::{Migrated, OpenError};
use crate::store::open::{UNKNOWN_URL, is_postgres, sqlite_path};
use crate::store::postgres::Postgres;
use crate::store::sqlite::open::migrate_file;

/// Creates the tables of a database, and applies the missing migrations, as [`open`](crate::store::open()) does.
///
/// # Errors
/// [`OpenError`] says why the schema cannot be used or changed. It is unchanged then.
pub async fn migrate(database: &Database) -> Result<Migrated, OpenError> {
    match sqlite_path(&database.url) {
        Some(path) => migrate_file(path),
        None if is_postgres(&database.url) => Postgres::migrate(database).await,
        None => Err(OpenError::new(database.url.as_str(), UNKNOWN_URL)),
    }
}
