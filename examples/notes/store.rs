//! The table of notes, in an SQLite file of its own.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Result, params};
use weapp_login::identity::UserId;

/// Maximum number of notes per user.
const MAX_NOTES: i64 = 100;

/// The migrations, in order. Append new ones and never change old ones: `PRAGMA user_version` counts those that have run.
const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE note (id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, text TEXT NOT NULL) STRICT",
    "CREATE INDEX note_of_user ON note (user_id)",
];

/// The notes of all users.
pub(crate) struct Notes(Mutex<Connection>);

impl Notes {
    /// Opens the file, and creates or migrates the table.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let mut connection = Connection::open(file)?;
        migrate(&mut connection)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Returns the notes of a user, oldest first.
    pub(crate) fn list(&self, user: UserId) -> Result<Vec<String>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query =
            connection.prepare_cached("SELECT text FROM note WHERE user_id = ?1 ORDER BY id")?;
        let texts = query.query_map([user.to_string()], |row| row.get(0))?;
        texts.collect()
    }

    /// Adds a note. Returns `false` if the user has the maximum number already.
    pub(crate) fn add(&self, user: UserId, text: &str) -> Result<bool> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let added = connection.execute(
            "INSERT INTO note (user_id, text)
             SELECT ?1, ?2 WHERE (SELECT count(*) FROM note WHERE user_id = ?1) < ?3",
            params![user.to_string(), text, MAX_NOTES],
        )?;
        Ok(added == 1)
    }
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let version = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let done = connection.pragma_query_value(None, "user_version", version)?;
    for (number, migration) in (1..).zip(MIGRATIONS) {
        if number > done {
            let transaction = connection.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()?;
        }
    }
    Ok(())
}
