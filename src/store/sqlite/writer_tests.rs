//! That writes that share a commit share no failure.

use std::sync::mpsc::channel;

use futures_util::future::{join, join3};
use rusqlite::Connection;

use super::Sqlite;
use super::tests::Folder;
use crate::store::Error;

/// Writes a row, and where `twice` the same again, which SQLite refuses.
async fn insert(store: &Sqlite, key: u8, twice: bool) -> Result<u8, Error> {
    let insert = move |connection: &Connection| {
        let statement = "INSERT INTO ledger (key, held_until) VALUES (?1, 0)";
        connection.execute(statement, [[key]])
    };
    let written = store.writer.write(move |connection, _changed| {
        insert(connection)?;
        if twice {
            insert(connection)?;
        }
        Ok(key)
    });
    written.await
}

#[actix_rt::test]
async fn a_write_that_fails_is_undone_alone_and_those_that_came_with_it_are_kept() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.file("weapp.db")).unwrap();
    // Holds the writer up until the others are queued.
    let (go, wait) = channel::<()>();
    let held_up = store.writer.write(move |_connection, _changed| {
        wait.recv().unwrap_or_default();
        Ok(())
    });
    let together = join3(
        insert(&store, 1, false),
        insert(&store, 2, true),
        insert(&store, 3, false),
    );
    let release = async { drop(go) };
    let (held_up, ((first, failed, last), ())) = join(held_up, join(together, release)).await;
    assert!(held_up.is_ok());
    assert_eq!((first.unwrap(), last.unwrap()), (1, 3));
    assert!(matches!(failed, Err(Error::Failed(_))), "{failed:?}");
    let kept = store.read(|connection| {
        let mut keys = connection.prepare("SELECT key FROM ledger ORDER BY key")?;
        let keys = keys.query_map((), |row| row.get::<_, [u8; 1]>(0))?;
        keys.collect::<rusqlite::Result<Vec<_>>>()
    });
    assert_eq!(kept.unwrap(), [[1], [3]]);
}
