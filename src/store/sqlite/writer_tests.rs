//! Tests that one failed write does not fail the others of its batch.

use std::sync::mpsc::channel;

use futures_util::future::{join, join3};
use rusqlite::Connection;

use crate::store::interface::Error;
use crate::store::sqlite::Sqlite;
use crate::store::sqlite::tests::open_file;
use crate::store::temporary::Folder;

/// Inserts a row. With `twice`, inserts it again, which fails.
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
async fn a_failed_write_is_rolled_back_alone() {
    let folder = Folder::new();
    let store = open_file(&folder.file("weapp.db")).await.unwrap();
    // Blocks the writer until the others are queued.
    let (go, wait) = channel::<()>();
    let blocker = store.writer.write(move |_connection, _changed| {
        wait.recv().unwrap_or_default();
        Ok(())
    });
    let together = join3(
        insert(&store, 1, false),
        insert(&store, 2, true),
        insert(&store, 3, false),
    );
    let release = async { drop(go) };
    let (blocker, ((first, failed, last), ())) = join(blocker, join(together, release)).await;
    assert!(blocker.is_ok());
    assert_eq!((first.unwrap(), last.unwrap()), (1, 3));
    assert!(matches!(failed, Err(Error::Failed(_))), "{failed:?}");
    let kept = store.read(|connection| {
        let mut keys = connection.prepare("SELECT key FROM ledger ORDER BY key")?;
        let keys = keys.query_map((), |row| row.get::<_, [u8; 1]>(0))?;
        keys.collect::<rusqlite::Result<Vec<_>>>()
    });
    assert_eq!(kept.unwrap(), [[1], [3]]);
}
