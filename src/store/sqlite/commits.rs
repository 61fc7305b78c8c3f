//! Detects commits by other processes.
//!
//! Every commit changes the header of the WAL index, the `-shm` file that all processes share. Reading these 48 bytes is
//! one system call. `PRAGMA data_version` would tell the same, but takes two file locks and a statement, several times as
//! long, and a connection that no other thread uses.
//!
//! Source: [The WAL-Index File Format](https://www.sqlite.org/walformat.html#the_wal_index_header), read 2026-11-24. The
//! format may change with SQLite's version; ours is compiled in, and the tests commit from other connections.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// Length of the first copy of the header.
const HEADER_BYTES: usize = 48;

/// Content of the header at one moment. While a commit replaces it, a reader may see a mixture of both versions, which
/// equals neither.
type Header = [u8; HEADER_BYTES];

/// Compares the state of the database with the last one that this process has looked at.
///
/// Must be dropped after the last connection to the database. SQLite holds POSIX locks on the `-shm` file, and closing
/// any descriptor of a file releases all of the process's locks on it. For the same reason the file is opened only once.
/// It is not replaced while a connection is open.
#[derive(Debug)]
pub(super) struct CommitWatch {
    index: Option<File>,
    /// The header of the state that the session cache agrees with.
    confirmed: RwLock<Option<Header>>,
    /// Set by the first reader that finds another header, until the writer thread looks at the database.
    is_look_requested: AtomicBool,
}

/// Result of [`CommitWatch::compare`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There was no commit since the last [`CommitWatch::confirm`].
    Unchanged,
    /// There may have been a commit.
    Unknown {
        /// Set for the first reader that finds a change. It must have the writer thread look at the database.
        requests_look: bool,
    },
}

impl CommitWatch {
    /// Opens the WAL index of a database, which must be open in WAL mode.
    ///
    /// If the file cannot be opened, the state is always unknown.
    pub(super) fn new(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        Self {
            index: File::open(Path::new(&name)).ok(),
            confirmed: RwLock::new(None),
            is_look_requested: AtomicBool::new(false),
        }
    }

    /// Compares the header with the confirmed one.
    pub(super) fn compare(&self) -> State {
        let Some(now) = self.header() else {
            return State::Unknown {
                requests_look: false,
            };
        };
        let confirmed = *self
            .confirmed
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if confirmed == Some(now) {
            return State::Unchanged;
        }
        State::Unknown {
            requests_look: !self.is_look_requested.swap(true, Ordering::AcqRel),
        }
    }

    /// Confirms the current header if `is_unchanged` still returns `true` after the header was read, and returns that.
    ///
    /// `is_unchanged` must return `false` if another process has committed since the session cache was last cleared.
    pub(super) fn confirm(&self, is_unchanged: impl FnOnce() -> bool) -> bool {
        self.is_look_requested.store(false, Ordering::Release);
        let header = self.header();
        let confirmed = is_unchanged();
        if confirmed {
            *self
                .confirmed
                .write()
                .unwrap_or_else(PoisonError::into_inner) = header;
        }
        confirmed
    }

    fn header(&self) -> Option<Header> {
        let mut header = [0; HEADER_BYTES];
        self.index.as_ref()?.read_exact_at(&mut header, 0).ok()?;
        Some(header)
    }
}
