//! `weapp-login store …`: manages the database, whether the server runs or not.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use weapp_login::store;

use crate::commands::{Failure, configuration, existing_database, print};

/// The subcommands of `store`.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Writes a copy of the database to a new file.
    #[command(after_long_help = BACKUP)]
    Backup {
        /// The new file. It must not exist.
        file: PathBuf,
    },
}

const BACKUP: &str = "\
The copy contains every login and logout that the server confirmed before the command started. The server need not stop,
and logins do not wait. The file gets its name when the copy is complete and on the disk; its owner alone can read it. It
contains no tokens, but profiles in plain text.

To restore it, stop the server, delete the database with its -wal and -shm files, and move the copy to its place. Sessions
that were revoked after the copy was made are then active again.

Example:
  weapp-login store backup /backup/weapp-2026-11-27.db

Exit codes: 0 on success; 2 if the database does not exist, a setting is wrong or the file cannot be written.";

/// Runs the subcommand on the store that the settings name.
pub(crate) fn run(command: Command, folder: Option<&Path>) -> Result<(), Failure> {
    let settings = configuration(folder)?.settings;
    existing_database(&settings.store)?;
    let Command::Backup { file } = command;
    store::backup(&settings.store.url, &file).map_err(Failure::configuration)?;
    print(format!("the copy is in {}\n", file.display()).as_bytes())
}
