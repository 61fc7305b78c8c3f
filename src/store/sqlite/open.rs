//! Opens the database file, and creates and migrates it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::store::interface::{Migrated, OpenError};
use crate::store::sqlite::lock_wait::{BUSY_TIMEOUT, tries_again};
use crate::store::sqlite::migrations::MIGRATIONS;
use crate::store::sqlite::problem::Problem;

/// Identifies our files, in SQLite's `application_id`: `wxlg` in ASCII.
const APPLICATION_ID: i32 = 0x7778_6c67;

/// Number of pages in the log file, 16 MB, at which it is copied into the database. Our choice: a login changes about ten
/// pages throughout the indices, and with SQLite's default of 1000 a commit would wait for such a copy too often.
const LOG_PAGES: i32 = 4000;

/// Maximum number of pages of a file that is rewritten when it is opened, 64 MB. Our choice: it takes about a second.
const REWRITTEN_PAGES: i64 = 16_384;

/// Page cache of the writer, in KiB. Our choice: memory is used only for pages that have been read.
const CACHE_KIB: i32 = 8 * 1024;

/// Page cache of a read-only connection, in KiB: enough for the upper pages of the indices. Sessions that are read often are
/// in the session cache.
const READER_CACHE_KIB: i32 = 512;

/// Opens the writer's connection. Creates the file if it is missing, and migrates it.
pub(super) fn writer(path: &Path) -> Result<Connection, Problem> {
    migrated(path).map(|(connection, _)| connection)
}

/// Creates the file if it is missing, and migrates it.
pub(crate) fn migrate_file(path: &Path) -> Result<Migrated, OpenError> {
    let migrated = migrated(path).map(|(_, migrated)| migrated);
    migrated.map_err(|problem| OpenError::new(path.to_string_lossy(), problem))
}

/// The same as [`writer`]. Returns the versions of the schema as well.
fn migrated(path: &Path) -> Result<(Connection, Migrated), Problem> {
    create(path).map_err(Problem::CannotCreate)?;
    prepare(path).map_err(|problem| {
        if let Problem::Failed(error) = &problem
            && error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
        {
            return not_permitted(path).unwrap_or(problem);
        }
        problem
    })
}

/// Opens and migrates the file for the writer.
fn prepare(path: &Path) -> Result<(Connection, Migrated), Problem> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if connection.is_readonly("main")? {
        return Err(Problem::ReadOnly);
    }
    if number(&connection, "page_count")? == 0 {
        // Lets the file shrink. Has an effect before the first table only.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    let migrated = migrate(&mut connection)?;
    // With FULL, a commit returns after the log file has reached the disk.
    use_wal(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    make_shrinkable(&connection, REWRITTEN_PAGES)?;
    Ok((connection, migrated))
}

/// Rewrites a file of an earlier version so that it can shrink, if it has at most this number of pages.
///
/// The server works without that too, so a failure is no reason not to start: the next start tries again.
pub(super) fn make_shrinkable(connection: &Connection, most_pages: i64) -> rusqlite::Result<()> {
    if number(connection, "auto_vacuum")? != 0 {
        return Ok(());
    }
    if number(connection, "page_count")? > most_pages {
        log::warn!(
            "the database file does not shrink when sessions are deleted; see “Size of the database” in docs/operations.md"
        );
        return Ok(());
    }
    let rewritten = connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
    if let Err(error) = rewritten {
        log::warn!("the database file could not be rewritten, so it does not shrink: {error}");
    }
    Ok(())
}

/// Reads a pragma whose value is a number.
pub(super) fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Returns the problem if this user has no permission for a file of the database, which SQLite does not distinguish from
/// other failures.
///
/// Only for files that SQLite could not open: closing a file releases the locks that the process has on it.
fn not_permitted(path: &Path) -> Option<Problem> {
    ["", "-wal", "-shm"].into_iter().find_map(|suffix| {
        let file = format!("{}{suffix}", path.display());
        let opened = OpenOptions::new().read(true).write(true).open(&file);
        let denied = opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        let owner = denied.then(|| fs::metadata(&file).ok()).flatten()?.uid();
        Some(Problem::NotPermitted { file, owner })
    })
}

/// Switches the file to WAL mode. SQLite's busy handler does not apply to this statement, so this function retries.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let pause = Duration::from_millis(20);
    let mut left = BUSY_TIMEOUT;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                left = left.checked_sub(pause).ok_or(error)?;
                thread::sleep(pause);
            }
            switched => return switched,
        }
    }
}

/// Opens a read-only connection.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

fn connect(path: &Path, mode: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(tries_again))?;
    // Query plans that do not depend on bound values are reused. Preparing them again for each value took a seventh of a
    // login's instructions.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Creates the file and its folders for the owner only. SQLite creates the `-wal` and `-shm` files with the same mode.
pub(super) fn create(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true).mode(0o600);
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true).mode(0o700);
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        folder.create(parent)?;
    }
    match file.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        opened => opened.map(drop),
    }
}

/// Applies the missing migrations, unless the file is another program's or a newer version's.
///
/// Everything is read in the transaction that writes, so that several processes may start at the same time.
fn migrate(connection: &mut Connection) -> Result<Migrated, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let application: i32 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(Problem::Foreign);
    }
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let supported = MIGRATIONS.len();
    let from = usize::try_from(found)
        .ok()
        .filter(|from| *from <= supported);
    let from = from.ok_or(Problem::Newer { found, supported })?;
    for (version, migration) in (1_i64..)
        .zip(MIGRATIONS)
        .filter(|(version, _)| *version > found)
    {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()?;
    Ok(Migrated {
        from,
        to: supported,
    })
}
