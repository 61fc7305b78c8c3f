//! Tests of what is specific to SQLite: the file, batches of writes, a full disk.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rusqlite::{Connection, OpenFlags};

use crate::session::Sealed;
use crate::store::cached::CachedStore;
use crate::store::contract;
use crate::store::copy::rows::names;
use crate::store::interface::{Error, OpenError, Store};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey};
use crate::store::session_cache::SessionCache;
use crate::store::sqlite::problem::Problem;
use crate::store::sqlite::{Sqlite, copy, migrations, open};
use crate::store::temporary::Folder;

/// Opens a file without a cache in front of it.
pub(super) async fn open_file(path: &Path) -> Result<Sqlite, OpenError> {
    Sqlite::open(path, Arc::new(SessionCache::new())).await
}

pub(super) async fn open_cached(path: &Path) -> Arc<dyn Store> {
    let cache = Arc::new(SessionCache::new());
    let backend = Sqlite::open(path, Arc::clone(&cache)).await.unwrap();
    let backend = backend.recording_events(true);
    Arc::new(CachedStore::new(Arc::new(backend), cache))
}

/// Checks the contract with a new file for each test.
async fn check_contract(open: impl AsyncFn(&Path) -> Arc<dyn Store>) {
    let folder = Folder::new();
    let number = Cell::new(0);
    contract::check(async || {
        number.set(number.get() + 1);
        open(&folder.file(&format!("{}.db", number.get()))).await
    })
    .await;
}

#[actix_rt::test]
async fn one_node_fulfils_the_contract() {
    check_contract(open_cached).await;
}

#[actix_rt::test]
async fn two_nodes_fulfil_the_contract() {
    check_contract(async |file| {
        contract::alternating([open_cached(file).await, open_cached(file).await])
    })
    .await;
}

#[actix_rt::test]
async fn several_nodes_fulfil_the_contract() {
    let folder = Folder::new();
    contract::check_nodes(async |name| open_cached(&folder.file(name)).await).await;
}

/// A transaction that reads for hours, such as a backup, changes nothing for the nodes.
#[actix_rt::test]
async fn a_long_transaction_elsewhere_does_not_delay_a_revocation() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let nodes = [open_cached(&file).await, open_cached(&file).await];
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN; SELECT * FROM session").unwrap();
    contract::check_revocations(&nodes).await;
    other.execute_batch("COMMIT").unwrap();
}

#[actix_rt::test]
async fn events_are_recorded_only_if_they_are_wanted() {
    let folder = Folder::new();
    let store = open_file(&folder.file("weapp.db")).await.unwrap();
    contract::check_without_events(&store).await;
}

async fn check_rejected(path: &Path, says: &str) {
    let before = fs::read(path).ok();
    let message = open_file(path).await.unwrap_err().to_string();
    assert!(message.contains(says), "{message}");
    assert!(message.contains(&*path.to_string_lossy()), "{message}");
    assert_eq!(fs::read(path).ok(), before, "the file was changed");
}

#[actix_rt::test]
async fn a_file_that_is_not_a_database_is_rejected_unchanged() {
    let folder = Folder::new();
    let file = folder.file("notes.txt");
    fs::write(&file, "Dear diary, this is no database. ".repeat(40)).unwrap();
    check_rejected(&file, "is no SQLite database").await;
}

#[actix_rt::test]
async fn a_database_of_another_program_is_rejected_unchanged() {
    let folder = Folder::new();
    let file = folder.file("other.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE wallet (coins)")
        .unwrap();
    check_rejected(&file, "belongs to another program").await;
}

#[actix_rt::test]
async fn a_newer_schema_is_rejected_unchanged() {
    let folder = Folder::new();
    let file = folder.file("newer.db");
    drop(open::writer(&file).unwrap());
    Connection::open(&file)
        .unwrap()
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    let latest = migrations::MIGRATIONS.len();
    let says = format!("has schema 1000, and this program supports none later than {latest}");
    check_rejected(&file, &says).await;
}

#[actix_rt::test]
async fn a_path_that_cannot_be_written_is_rejected() {
    let folder = Folder::new();
    let file = folder.file("no-folder");
    fs::write(&file, "a file where a folder should be").unwrap();
    let below = file.join("weapp.db");
    let message = open_file(&below).await.unwrap_err().to_string();
    assert!(message.contains("cannot be created"), "{message}");
    let folder_itself = open_file(folder.path()).await.unwrap_err().to_string();
    assert!(
        folder_itself.contains("cannot be opened"),
        "{folder_itself}"
    );
}

#[test]
fn a_read_only_database_is_reported() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    drop(open::writer(&file).unwrap());
    // Root may write a file of any mode, so the connection is what is read-only here.
    let read_only = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let error = read_only.execute_batch("CREATE TABLE x (y)").unwrap_err();
    assert!(matches!(Problem::from(error), Problem::ReadOnly));
}

#[actix_rt::test]
async fn only_the_owner_can_read_the_files() {
    let folder = Folder::new();
    let store = open_file(&folder.file("data/weapp.db")).await.unwrap();
    store.probe(contract::login(1, 0).now).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.file("data")).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name());
        assert_eq!(mode(&entry.path()), 0o600, "{names:?}");
    }
    assert!(
        names.len() > 1,
        "the -wal and -shm files are missing: {names:?}"
    );
    assert_eq!(mode(&folder.file("data")), 0o700);
}

#[actix_rt::test]
async fn sessions_survive_a_restart() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let store = open_file(&file).await.unwrap();
    let login = contract::login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    let before = store.find(login.digest).await.unwrap();
    store.close().await.unwrap();
    assert!(
        !folder.file("weapp.db-wal").exists(),
        "the log file was not copied into the database"
    );
    let restarted = open_file(&file).await.unwrap();
    assert_eq!(restarted.find(login.digest).await.unwrap(), before);
}

/// A full disk, simulated by a limit on the number of pages.
#[actix_rt::test]
async fn a_full_disk_rejects_logins_and_loses_none() {
    let folder = Folder::new();
    let store = open_file(&folder.file("weapp.db")).await.unwrap();
    let set_pages = |pages: i64| {
        store.writer.write(move |connection, _changed| {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_row| {
                Ok(())
            })
        })
    };
    set_pages(20).await.unwrap();
    let logins: Vec<_> = (0..=255).map(|user| contract::login(user, 0)).collect();
    let answers = join_all(logins.iter().map(|login| store.log_in(login.clone()))).await;
    let kept = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((1..256).contains(&kept), "{kept} logins fit into 20 pages");
    for (login, answer) in logins.iter().zip(&answers) {
        let found = store.find(login.digest).await.unwrap().is_some();
        assert_eq!(found, answer.is_ok(), "the reply differs from the file");
        assert!(matches!(answer, Ok(_) | Err(Error::Failed(_))));
    }
    set_pages(1_000_000).await.unwrap();
    assert!(
        store.log_in(contract::login(7, 1)).await.is_ok(),
        "there is room again"
    );
}

/// A disk that becomes read-only while the server runs, simulated by `PRAGMA query_only`.
#[actix_rt::test]
async fn a_disk_that_becomes_read_only_rejects_writes_and_still_reads() {
    let folder = Folder::new();
    let store = open_file(&folder.file("weapp.db")).await.unwrap();
    let login = contract::login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    let read_only = store
        .writer
        .write(|connection, _changed| connection.pragma_update(None, "query_only", true));
    read_only.await.unwrap();
    let rejected = store.log_in(contract::login(2, 0)).await;
    assert!(matches!(rejected, Err(Error::Failed(_))), "{rejected:?}");
    assert!(store.find(login.digest).await.unwrap().is_some());
}

/// Another process holds the write lock. All waiting writes fail after one busy timeout, however many there are.
#[actix_rt::test]
async fn all_waiting_writes_fail_together_while_the_file_is_locked() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let store = open_file(&file).await.unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = std::time::Instant::now();
    let logins = (0..5000_u16).map(|user| contract::login(user.to_le_bytes()[0], 0));
    let logins: Vec<_> = logins.map(|login| store.log_in(login)).collect();
    let answers = join_all(logins).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Err(Error::Failed(_))))
    );
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    other.execute_batch("ROLLBACK").unwrap();
    assert!(store.log_in(contract::login(1, 0)).await.is_ok());
}

#[actix_rt::test]
async fn concurrent_writes_share_commits() {
    let folder = Folder::new();
    let store = open_file(&folder.file("weapp.db")).await.unwrap();
    let logins: Vec<_> = (0..=255).map(|user| contract::login(user, 0)).collect();
    join_all(logins.into_iter().map(|login| store.log_in(login))).await;
    // The last frame of each commit has a non-zero database size at byte 4 of its header.
    let log = fs::read(folder.file("weapp.db-wal")).unwrap();
    let commits = log[32..]
        .chunks(24 + 4096)
        .filter(|frame| frame[4..8] != [0; 4])
        .count();
    assert!(commits < 128, "{commits} commits for 256 logins");
}

#[actix_rt::test]
async fn a_ledger_value_is_read_while_the_writer_is_busy() {
    let folder = Folder::new();
    let store = open_file(&folder.file("weapp.db")).await.unwrap();
    let login = contract::login(1, 0);
    let claim = Claim {
        key: LedgerKey([1; 32]),
        holder: Holder([1; 16]),
        now: login.now,
        until: login.expires_at,
        stale: None,
    };
    assert_eq!(store.claim(claim).await.unwrap(), Claimed::Yours);
    let value = Sealed(vec![1]);
    let kept = store.keep(claim.key, claim.holder, value, login.expires_at);
    assert!(kept.await.unwrap().is_some());
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let busy = store
        .writer
        .write(move |_connection, _changed| Ok(wait.recv_timeout(Duration::from_secs(5)).is_ok()));
    let read_meanwhile = async {
        let claimed = store.claim(claim).await.unwrap();
        assert!(matches!(claimed, Claimed::Kept { .. }));
        go_on.send(()).unwrap();
    };
    let (busy, ()) = futures_util::future::join(busy, read_meanwhile).await;
    assert!(busy.unwrap(), "the reader waited for the writer");
}

#[actix_rt::test]
async fn several_threads_can_open_one_file_at_once() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let threads = [(); 8].map(|()| {
        let file = file.clone();
        std::thread::spawn(move || actix_rt::System::new().block_on(open_file(&file)).map(drop))
    });
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}

/// A new column or table must be added to the list, or to the exceptions.
#[test]
fn every_column_of_the_schema_is_copied() {
    let folder = Folder::new();
    let connection = open::writer(&folder.file("weapp.db")).unwrap();
    let sql = "SELECT schema.name || '.' || info.name FROM sqlite_schema AS schema, pragma_table_info(schema.name) AS info
               WHERE schema.type = 'table' AND schema.name NOT IN ('clock', 'sqlite_sequence')";
    let mut columns = connection.prepare(sql).unwrap();
    let columns = columns.query_map((), |row| row.get(0)).unwrap();
    let mut found: Vec<String> = columns.collect::<Result<_, _>>().unwrap();
    let copied = copy::TABLES.iter();
    let mut copied: Vec<_> = copied
        .flat_map(|table| names(table.columns).map(|column| format!("{}.{column}", table.name)))
        .collect();
    found.sort();
    copied.sort();
    assert_eq!(found, copied);
}
