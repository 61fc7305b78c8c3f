//! How many rows there are.
//!
//! Knows SQL. Never knows who counts, or how often.

use rusqlite::Connection;

/// SQLite runs through the smallest index, which holds a time and a row's number for each session.
pub(super) fn sessions(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM session", (), |row| {
        row.get(0).map(i64::unsigned_abs)
    })
}
