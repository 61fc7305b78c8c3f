//! Tells, in six loads from memory, whether anybody has committed since somebody last looked: this process or another.
//!
//! Knows where SQLite notes that. Never knows what was committed.
//!
//! A file with a write-ahead log has a third one beside it, `-shm`, which all processes share and which begins with a header
//! that every commit changes: it counts transactions and holds a checksum over the log. SQLite maps it into memory and looks
//! into it at the start of every read, under a lock; a look without the lock is enough to see that nothing is new.
//!
//! Source: [The WAL-Index File Format](https://www.sqlite.org/walformat.html#the_wal_index_header), read 2026-11-24. The
//! format may change with SQLite's version; ours is compiled in, and the tests commit behind its back.

use std::path::Path;

/// The first copy of the header. While a commit replaces it, what is read is neither the old one nor the new one.
const HEADER_BYTES: usize = 48;

/// What the header was at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([u64; HEADER_BYTES / 8]);

/// The header of one database.
///
/// To be dropped after the last connection to it: POSIX takes all of a process's locks off a file as soon as one of its
/// handles is closed.
#[derive(Debug)]
pub(super) struct Commits(Option<mapped::Header>);

impl Commits {
    /// Finds the header beside the database, which must be open with a write-ahead log. Where there is none, or the
    /// system has no such files, every look gives `None`.
    pub(super) fn of(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        Self(mapped::header(Path::new(&name)))
    }

    /// What the header is now.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.0.as_ref().and_then(mapped::look)
    }
}

#[cfg(unix)]
mod mapped {
    use std::fs::File;
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};

    use vm_memory::mmap::MmapRegion;
    use vm_memory::{FileOffset, VolatileMemory as _};

    use super::{HEADER_BYTES, Mark};

    pub(super) type Header = MmapRegion;

    pub(super) fn header(file: &Path) -> Option<Header> {
        // To be written by SQLite alone; but the mapping is made for both, and so must the handle be.
        let file = File::options().read(true).write(true).open(file).ok()?;
        MmapRegion::from_file(FileOffset::new(file, 0), HEADER_BYTES).ok()
    }

    /// Never cached by the compiler, and in this order: another process writes there.
    pub(super) fn look(header: &Header) -> Option<Mark> {
        let mut mark = Mark([0; HEADER_BYTES / 8]);
        for (place, word) in mark.0.iter_mut().enumerate() {
            let shared = header.get_atomic_ref::<AtomicU64>(8 * place).ok()?;
            *word = shared.load(Ordering::Acquire);
        }
        Some(mark)
    }
}

#[cfg(not(unix))]
mod mapped {
    use std::path::Path;

    use super::Mark;

    #[derive(Debug)]
    pub(super) enum Header {}

    pub(super) fn header(_file: &Path) -> Option<Header> {
        None
    }

    pub(super) fn look(header: &Header) -> Option<Mark> {
        match *header {}
    }
}
