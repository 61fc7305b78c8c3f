//! Copies a database file while other processes use it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::store::interface::OpenError;
use crate::store::sqlite::open::{create, reader};
use crate::store::sqlite::problem::Problem;

/// Writes a copy of the database to a new file, for its owner only. It contains every write that was confirmed before.
///
/// The copy is one read transaction: writers do not wait for it, and it does not start again when they write. The file gets
/// its name when the copy is complete and on the disk.
pub(crate) fn back_up(path: &Path, target: &Path) -> Result<(), OpenError> {
    let copied = if target.exists() {
        Err(Problem::BackupExists(target.to_owned()))
    } else {
        copy(path, target)
    };
    copied.map_err(|problem| OpenError::new(path.to_string_lossy(), problem))
}

fn copy(path: &Path, target: &Path) -> Result<(), Problem> {
    let mut partial = OsString::from(target);
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = copy_through(path, &partial, target);
    if copied.is_err() {
        // The copy may not exist: the error says what failed.
        fs::remove_file(&partial).unwrap_or_default();
    }
    copied
}

fn copy_through(path: &Path, partial: &Path, target: &Path) -> Result<(), Problem> {
    let failed = |error| Problem::CannotBackUp {
        target: target.to_owned(),
        error,
    };
    let existing = reader(path)?;
    create(partial).map_err(failed)?;
    let name = partial.to_string_lossy();
    existing.execute("VACUUM INTO ?1", [&name])?;
    // SQLite does not wait until the copy is on the disk.
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    fs::rename(partial, target).map_err(failed)?;
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")));
    folder.and_then(|folder| folder.sync_all()).map_err(failed)
}
