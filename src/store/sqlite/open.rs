//! Opening the file: creating it for its owner only, judging what is found there, migrating it.
//!
//! Knows the schema and its history. Never knows who asks.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// Marks the file as ours, in SQLite's `application_id`: `wxlg` in ASCII.
const APPLICATION_ID: i32 = 0x7778_6c67;

/// The history of the schema. A file at `user_version` n has had the first n of these.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE user (
        id         BLOB NOT NULL PRIMARY KEY,
        subject    BLOB NOT NULL UNIQUE,
        openid     BLOB NOT NULL,
        unionid    BLOB,
        created_at INTEGER NOT NULL,
        nickname   TEXT,
        avatar_url TEXT
    ) STRICT;
    CREATE TABLE session (
        digest       BLOB NOT NULL UNIQUE,
        id           BLOB NOT NULL,
        user         BLOB NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        app          TEXT NOT NULL,
        created_at   INTEGER NOT NULL,
        expires_at   INTEGER NOT NULL,
        last_seen    INTEGER NOT NULL,
        device       TEXT NOT NULL,
        session_keys BLOB NOT NULL
    ) STRICT;
    CREATE INDEX session_by_user ON session (user, created_at);
    CREATE INDEX session_by_end ON session (expires_at);
    CREATE INDEX session_by_use ON session (last_seen);
    CREATE TABLE ledger (
        key        BLOB NOT NULL PRIMARY KEY,
        value      BLOB,
        version    INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER NOT NULL DEFAULT 0,
        holder     BLOB,
        held_until INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX ledger_by_end ON ledger (expires_at);
"];

/// How long a statement waits for another process's lock. Our choice.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the log file gets before it is copied into the database, in pages: 16 MB. Our choice: a login changes some ten
/// pages all over the indices, and with SQLite's own 1000 every few commits would wait for such a copy.
const LOG_PAGES: i32 = 4000;

/// How much of the indices the writer may hold in memory, in KiB. Our choice: it takes no more than it has touched.
const CACHE_KIB: i32 = 8 * 1024;

/// The same for each connection that only reads: the upper pages of the indices. What is read often is remembered elsewhere.
const READER_CACHE_KIB: i32 = 512;

/// Why a database cannot serve: which one, what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("the database `{database}` {problem}")]
pub struct OpenError {
    /// The file, or the URL where that names no file.
    pub database: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a database at start-up. Whatever it is, the file is left as it was.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The URL names no backend that we have.
    #[error(
        "is of no kind that this program knows\n  hint: write sqlite:// and a path, as in sqlite://data/weapp.db"
    )]
    UnknownUrl,
    /// The folder or the file cannot be created.
    #[error(
        "cannot be created: {0}\n  hint: make its folder writable for this user, or set store.url to another file"
    )]
    Uncreatable(io::Error),
    /// The file exists but cannot be written.
    #[error(
        "is read-only\n  hint: make the file and its folder writable for this user, or set store.url to another file"
    )]
    ReadOnly,
    /// The file holds something else than a SQLite database.
    #[error("is no SQLite database\n  hint: move that file away, or set store.url to another file")]
    NoDatabase,
    /// The file is a database of another program.
    #[error("belongs to another program\n  hint: set store.url to another file")]
    Foreign,
    /// A newer version of this program wrote the file.
    #[error(
        "has schema {found}, and this program knows none later than {known}\n  hint: run the newer version of weapp-login that wrote it"
    )]
    Newer {
        /// The file's version.
        found: i64,
        /// The latest version that this program knows.
        known: usize,
    },
    /// SQLite failed in another way.
    #[error("cannot be opened: {0}")]
    Failed(rusqlite::Error),
    /// The system gave no thread for the writer.
    #[error("cannot be served: {0}")]
    NoThread(io::Error),
}

impl Problem {
    /// Says which database has the problem.
    pub(in crate::store) fn of(self, database: impl Into<String>) -> OpenError {
        OpenError {
            database: database.into(),
            problem: self,
        }
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NoDatabase,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Failed(error),
        }
    }
}

/// Opens the file for the writer: creates it if it is missing, and brings its schema up to date.
pub(super) fn writer(path: &Path) -> Result<Connection, Problem> {
    create(path).map_err(Problem::Uncreatable)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if connection.is_readonly("main")? {
        return Err(Problem::ReadOnly);
    }
    migrate(&mut connection)?;
    // A commit is answered only after the log file has reached the disk.
    use_log_file(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

/// Switches the file to a write-ahead log. SQLite does not wait for other processes here, so this does.
fn use_log_file(connection: &Connection) -> rusqlite::Result<()> {
    let pause = Duration::from_millis(20);
    let mut patience = BUSY_TIMEOUT;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                patience = patience.checked_sub(pause).ok_or(error)?;
                thread::sleep(pause);
            }
            switched => return switched,
        }
    }
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

fn connect(path: &Path, mode: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Plans do not depend on what is asked for, so none is made anew for each new value: that was a seventh of a login's
    // instructions.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// Makes the file and its folders, for the owner only: SQLite gives its side files the same mode.
fn create(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        file.mode(0o600);
        folder.mode(0o700);
    }
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

/// Brings the schema up to date, unless the file is not ours to change.
///
/// All is read under the lock that the changes need, so that several processes may start at once.
fn migrate(connection: &mut Connection) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mark: i32 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if mark != APPLICATION_ID && (mark != 0 || tables > 0) {
        return Err(Problem::Foreign);
    }
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len();
    if !usize::try_from(found).is_ok_and(|found| found <= known) {
        return Err(Problem::Newer { found, known });
    }
    for (version, migration) in (1_i64..)
        .zip(MIGRATIONS)
        .filter(|(version, _)| *version > found)
    {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(transaction.commit()?)
}
