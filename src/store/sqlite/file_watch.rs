//! Notices when the files of an open database are deleted or replaced.
//!
//! SQLite goes on using the files that it opened, even if they have no name any more. What is written to them is lost when
//! the process ends, and sessions of the file that took the name are unknown. So nothing is confirmed and no session
//! counts as missing until the names refer to the open files again.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Maximum age of a check that replies from the cache rely on, in milliseconds. Our choice: a check takes microseconds.
const MAX_AGE: u64 = 1000;

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(super) struct FileWatch {
    database: Watched,
    /// The log file and its index. They exist as long as the database is open.
    others: Vec<Watched>,
    opened_at: Instant,
    /// Time of the last check, in milliseconds since the database was opened.
    checked_at: AtomicU64,
    is_replaced: AtomicBool,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    identity: Option<FileIdentity>,
}

/// Device and inode.
type FileIdentity = (u64, u64);

/// A file of the database was deleted or replaced.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{}` was deleted or replaced while the server runs", path.display())]
pub(super) struct Replaced {
    path: PathBuf,
}

impl FileWatch {
    /// Remembers the files of a database that is open in WAL mode.
    pub(super) fn new(database: &Path) -> Self {
        let with_suffix = |suffix: &str| {
            let mut name = OsString::from(database);
            name.push(suffix);
            Watched::new(PathBuf::from(name))
        };
        Self {
            others: ["-wal", "-shm"].map(with_suffix).into(),
            database: Watched::new(database.to_owned()),
            opened_at: Instant::now(),
            checked_at: AtomicU64::new(0),
            is_replaced: AtomicBool::new(false),
        }
    }

    /// Fails if a file was deleted or replaced.
    pub(super) fn check(&self) -> Result<(), Replaced> {
        self.checked_at.store(self.age(), Ordering::Relaxed);
        let mut files = std::iter::once(&self.database).chain(&self.others);
        let replaced = files.find(|file| file.is_replaced());
        let was_replaced = self.is_replaced.swap(replaced.is_some(), Ordering::AcqRel);
        if let Some(file) = replaced {
            if !was_replaced {
                self.log(file);
            }
            let path = file.path.clone();
            return Err(Replaced { path });
        }
        if was_replaced {
            log::info!("the files of the database are back in place");
        }
        Ok(())
    }

    /// Fails if a file was deleted or replaced, with the result of a check that is at most a second old.
    pub(super) fn check_recent(&self) -> Result<(), Replaced> {
        let checked_at = self.checked_at.load(Ordering::Relaxed);
        if self.is_replaced.load(Ordering::Acquire) || self.age() >= checked_at + MAX_AGE {
            return self.check();
        }
        Ok(())
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn log(&self, file: &Watched) {
        let path = file.path.display();
        let hint = if file.path == self.database.path {
            "stop the server, put the right file in its place, and start the server again"
        } else {
            "restart the server, which saves what the file contained"
        };
        log::error!(
            "the database file `{path}` was deleted or replaced while the server runs, so all requests that need the database get 503; hint: {hint}"
        );
    }
}

impl Watched {
    fn new(path: PathBuf) -> Self {
        let identity = identity(&path);
        Self { path, identity }
    }

    /// A file that had no identity from the start is not watched.
    fn is_replaced(&self) -> bool {
        self.identity.is_some() && self.identity != identity(&self.path)
    }
}

/// Returns the identity of the file with this name.
fn identity(path: &Path) -> Option<FileIdentity> {
    // A file that is mounted by itself keeps its name when it is deleted, but has no link.
    let file = std::fs::metadata(path)
        .ok()
        .filter(|file| file.nlink() > 0)?;
    Some((file.dev(), file.ino()))
}
