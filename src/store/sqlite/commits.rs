//! Tells, in one system call, whether anybody has committed since somebody last looked: this process or another.
//!
//! Knows where SQLite notes that. Never knows what was committed.
//!
//! A file with a write-ahead log has a third one beside it, `-shm`, which all processes share and which begins with a header
//! that every commit changes: it counts transactions and holds a checksum over the log. SQLite looks into it at the start of
//! every read, under a lock; a look without the lock is enough to see that nothing is new.
//!
//! Source: [The WAL-Index File Format](https://www.sqlite.org/walformat.html#the_wal_index_header), read 2026-11-24. The
//! format may change with SQLite's version; ours is compiled in, and the tests commit behind its back.

use std::fs::File;
use std::path::Path;

/// The first copy of the header. While a commit replaces it, what is read is neither the old one nor the new one.
const HEADER_BYTES: usize = 48;

/// What the header was at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([u8; HEADER_BYTES]);

/// The header of one database.
///
/// To be dropped after the last connection to it: POSIX takes all of a process's locks off a file as soon as one of its
/// handles is closed.
#[derive(Debug)]
pub(super) struct Commits(Option<File>);

impl Commits {
    /// Finds the header beside the database, which must be open with a write-ahead log. Where there is none, or the
    /// system has no such files, every look gives `None`.
    pub(super) fn of(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        Self(File::open(name).ok())
    }

    /// What the header is now.
    pub(super) fn mark(&self) -> Option<Mark> {
        let mut header = [0; HEADER_BYTES];
        read_at_start(self.0.as_ref()?, &mut header)?;
        Some(Mark(header))
    }
}

#[cfg(unix)]
fn read_at_start(file: &File, bytes: &mut [u8]) -> Option<()> {
    use std::os::unix::fs::FileExt as _;
    file.read_exact_at(bytes, 0).ok()
}

#[cfg(not(unix))]
fn read_at_start(_file: &File, _bytes: &mut [u8]) -> Option<()> {
    None
}
