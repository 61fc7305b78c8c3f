//! Tests of the file: its size, and what happens when it is deleted or replaced.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::store::contract;
use crate::store::interface::{Error, Login, Migrated, Store, Swept};
use crate::store::sqlite::open::{self, number};
use crate::store::sqlite::tests::{open_cached, open_file};
use crate::store::sqlite::{Sqlite, migrations};
use crate::store::temporary::Folder;

/// Checks that no call confirms anything or finds a session missing.
async fn check_unavailable(store: &dyn Store, live: &Login) {
    let says_so = |error: Error| match error {
        Error::Failed(cause) => cause.to_string().contains("was deleted or replaced"),
        Error::Closed => false,
    };
    let ended = contract::login(9, 0).digest;
    // A session that exists is found for up to a second. That one is missing is checked at once.
    for digest in [ended, live.digest] {
        assert!(store.find(digest).await.is_err_and(says_so), "find");
        let status = store.fresh_status(digest).await;
        assert!(status.is_err_and(says_so), "fresh_status");
        let status = store.session_status(digest).await;
        assert!(status.is_err_and(says_so), "session_status");
    }
    let login = store.log_in(contract::login(1, 1)).await;
    assert!(login.is_err_and(says_so), "log_in");
    assert!(store.probe(live.now).await.is_err_and(says_so), "probe");
    let count = store.count_sessions().await;
    assert!(count.is_err_and(says_so), "count_sessions");
}

async fn log_in(store: &dyn Store, user: u8) -> Login {
    let login = contract::login(user, 0);
    store.log_in(login.clone()).await.unwrap();
    assert!(store.session_status(login.digest).await.unwrap().is_some());
    login
}

#[actix_rt::test]
async fn a_replaced_database_is_unavailable_and_no_session_is_missing() {
    let folder = Folder::new();
    let (file, backup) = (folder.file("weapp.db"), folder.file("backup.db"));
    let other = open_cached(&backup).await;
    let in_backup = log_in(&*other, 2).await;
    other.close().await.unwrap();
    let store = open_cached(&file).await;
    let live = log_in(&*store, 1).await;

    fs::rename(&backup, &file).unwrap();
    check_unavailable(&*store, &live).await;
    store.close().await.unwrap();
    let log = fs::read(folder.file("weapp.db-wal")).unwrap_or_default();
    assert!(log.is_empty(), "it would change the backup");
    let restarted = open_cached(&file).await;
    let found = restarted.find(in_backup.digest).await.unwrap();
    assert!(found.is_some(), "the backup is not in use");
    assert!(restarted.find(live.digest).await.unwrap().is_none());
}

#[actix_rt::test]
async fn a_deleted_database_is_unavailable_until_it_is_back() {
    let folder = Folder::new();
    let (file, away) = (folder.file("weapp.db"), folder.file("away.db"));
    let store = open_cached(&file).await;
    let live = log_in(&*store, 1).await;
    fs::rename(&file, &away).unwrap();
    check_unavailable(&*store, &live).await;
    fs::rename(&away, &file).unwrap();
    log_in(&*store, 1).await;
    assert!(store.find(live.digest).await.unwrap().is_some());
    fs::remove_file(&file).unwrap();
    check_unavailable(&*store, &live).await;
}

/// A regular stop saves the content of a deleted log file.
#[actix_rt::test]
async fn a_deleted_log_file_loses_no_confirmed_login() {
    for suffix in ["weapp.db-wal", "weapp.db-shm"] {
        let folder = Folder::new();
        let file = folder.file("weapp.db");
        let store = open_cached(&file).await;
        let live = log_in(&*store, 1).await;
        fs::remove_file(folder.file(suffix)).unwrap();
        check_unavailable(&*store, &live).await;
        store.close().await.unwrap();
        let restarted = open_cached(&file).await;
        assert!(restarted.find(live.digest).await.unwrap().is_some());
    }
}

/// Another process uses the new file already when the old one closes.
#[actix_rt::test]
async fn closing_a_replaced_database_leaves_the_log_file_of_the_new_one() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let old = open_cached(&file).await;
    log_in(&*old, 1).await;
    for name in ["weapp.db", "weapp.db-wal", "weapp.db-shm"] {
        fs::remove_file(folder.file(name)).unwrap();
    }
    let new = open_cached(&file).await;
    let live = log_in(&*new, 2).await;
    old.close().await.unwrap();
    assert!(new.find(live.digest).await.unwrap().is_some());
    assert!(new.log_in(contract::login(3, 0)).await.is_ok());
}

/// A disk that returns garbage for all pages but the first.
#[actix_rt::test]
async fn a_corrupt_database_is_an_error_and_not_ready() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let store = open_file(&file).await.unwrap();
    let live = log_in(&store, 1).await;
    store.close().await.unwrap();
    let store = open_file(&file).await.unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096..].fill(0x5a);
    let mut same_file = fs::OpenOptions::new().write(true).open(&file).unwrap();
    std::io::Write::write_all(&mut same_file, &bytes).unwrap();
    for digest in [live.digest, contract::login(9, 0).digest] {
        let found = store.find(digest).await;
        assert!(matches!(found, Err(Error::Failed(_))), "{found:?}");
    }
    assert!(store.probe(live.now).await.is_err());
    assert!(store.log_in(contract::login(2, 0)).await.is_err());
}

/// The size of the file in pages, when the log file has been copied into it.
fn pages(file: &Path) -> u64 {
    let connection = Connection::open(file).unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    connection.query_row(checkpoint, (), |_row| Ok(())).unwrap();
    fs::metadata(file).unwrap().len() / 4096
}

/// Adds ledger records that have expired, 10 MB in total.
async fn fill(store: &Sqlite) {
    let filled = store.writer.write(|connection, _changed| {
        connection.execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
             INSERT INTO ledger (key, value, held_until) SELECT randomblob(32), zeroblob(4000), 0 FROM n",
        )
    });
    filled.await.unwrap();
}

async fn sweep_all(store: &Sqlite) {
    let now = contract::login(1, 0).now;
    let idle = jiff::SignedDuration::from_hours(1);
    loop {
        let swept = store.sweep(now, idle).await.unwrap();
        if matches!(swept, Swept::Rows { is_last: true, .. }) {
            return;
        }
    }
}

#[actix_rt::test]
async fn a_swept_file_shrinks() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let store = open_file(&file).await.unwrap();
    let live = log_in(&store, 1).await;
    fill(&store).await;
    assert!(pages(&file) > 2500);
    sweep_all(&store).await;
    let left = pages(&file);
    assert!(left < 1500, "{left} pages are left");
    assert!(store.find(live.digest).await.unwrap().is_some());
}

/// A file of the first version, which could not shrink.
#[actix_rt::test]
async fn a_file_of_the_first_version_is_migrated_and_shrinks() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    {
        let old = Connection::open(&file).unwrap();
        old.execute_batch(migrations::MIGRATIONS[0]).unwrap();
        old.execute_batch("PRAGMA journal_mode = WAL; PRAGMA application_id = 0x77786c67; PRAGMA user_version = 1")
            .unwrap();
        assert_eq!(number(&old, "auto_vacuum").unwrap(), 0);
    }
    let store = open_file(&file).await.unwrap();
    fill(&store).await;
    let live = log_in(&store, 1).await;
    sweep_all(&store).await;
    let left = pages(&file);
    assert!(left < 1500, "{left} pages are left");
    assert!(store.find(live.digest).await.unwrap().is_some());
}

#[test]
fn a_migration_says_from_which_version() {
    let folder = Folder::new();
    let (new, old) = (folder.file("new.db"), folder.file("old.db"));
    Connection::open(&old)
        .unwrap()
        .execute_batch(&format!(
            "{}; PRAGMA application_id = 0x77786c67; PRAGMA user_version = 1",
            migrations::MIGRATIONS[0]
        ))
        .unwrap();
    let to = migrations::MIGRATIONS.len();
    for (file, from) in [(&new, 0), (&new, to), (&old, 1), (&old, to)] {
        assert_eq!(open::migrate_file(file).unwrap(), Migrated { from, to });
    }
}

#[test]
fn a_large_file_of_the_first_version_is_left_as_it_is() {
    let folder = Folder::new();
    let old = Connection::open(folder.file("weapp.db")).unwrap();
    old.execute_batch(migrations::MIGRATIONS[0]).unwrap();
    open::make_shrinkable(&old, 3).unwrap();
    assert_eq!(number(&old, "auto_vacuum").unwrap(), 0);
    // The statement of docs/operations.md.
    old.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
        .unwrap();
    assert_eq!(number(&old, "auto_vacuum").unwrap(), 2);
}
