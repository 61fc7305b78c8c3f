//! `weapp-login store …`: manages the database, whether the server runs or not.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use weapp_login::settings::Settings;
use weapp_login::store::{self, CopyError, Database, Migrated, Progress};

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
    /// Creates the tables, or brings them to the schema of this version.
    #[command(after_long_help = MIGRATE)]
    Migrate,
    /// Copies all users and sessions to another database, where they stay logged in.
    #[command(after_long_help = COPY)]
    Copy(Endpoints),
}

#[derive(Args)]
pub(crate) struct Endpoints {
    /// URL of the database to copy, such as `sqlite://data/weapp.db`.
    #[arg(long, value_name = "URL")]
    from: String,
    /// URL of an empty database, such as `postgres://weapp@db/weapp`.
    #[arg(long, value_name = "URL")]
    to: String,
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

const MIGRATE: &str = "\
The server does the same when it starts. Use this command if its database role may not change tables: run it as a role that
may, before the new version starts. Servers of the previous version go on working meanwhile.

Example:
  WEAPP_STORE__URL=postgres://owner@db/weapp weapp-login store migrate

Exit codes: 0 if the schema is that of this version; 2 if it is newer, the role may not change it, the database cannot be
reached, or a setting is wrong.";

const COPY: &str = "\
Stop the servers that use the database first. If one changes it during the copy, the command fails at the end. The tables of
the copy are created. It must be empty, or have the rows of an interrupted copy, which then continues. At the end, the number
of rows and a digest of their contents are compared. Tokens, session keys, profiles and the results of recent calls with an
Idempotency-Key remain valid: start the servers with the new `store.url` and the same AppSecret.

The password of PostgreSQL is `store.password` or WEAPP_STORE__PASSWORD, or in the file that WEAPP_STORE__PASSWORD_FILE names.

Example:
  WEAPP_STORE__PASSWORD_FILE=/run/secrets/db weapp-login store copy --from sqlite://data/weapp.db --to postgres://weapp@db/weapp

Exit codes: 0 if the copy is complete and has the same contents; 1 if a database failed during the copy; 2 if one cannot be
opened or was changed in the meantime, if the new one has other data, or if a setting is wrong.";

/// Runs the subcommand on the store that the settings name.
pub(crate) fn run(command: Command, folder: Option<&Path>) -> Result<(), Failure> {
    let settings = configuration(folder)?.settings;
    let output = match command {
        Command::Backup { file } => backup(&settings, &file),
        Command::Migrate => migrate(&settings),
        Command::Copy(endpoints) => copy(&settings, endpoints),
    }?;
    print(output.as_bytes())
}

fn backup(settings: &Settings, file: &Path) -> Result<String, Failure> {
    existing_database(&settings.store)?;
    store::backup(&Database::configured(settings), file).map_err(Failure::configuration)?;
    Ok(format!("the copy is in {}\n", file.display()))
}

fn migrate(settings: &Settings) -> Result<String, Failure> {
    let database = Database::configured(settings);
    let migrated = actix_rt::System::new().block_on(store::migrate(&database));
    let Migrated { from, to } = migrated.map_err(Failure::configuration)?;
    let name = settings.store.name();
    Ok(match from {
        0 => format!("created the tables of `{name}`, with schema {to}\n"),
        from if from == to => format!("`{name}` has schema {to} already\n"),
        from => format!("migrated `{name}` from schema {from} to schema {to}\n"),
    })
}

fn copy(settings: &Settings, endpoints: Endpoints) -> Result<String, Failure> {
    let at = |url| Database {
        url,
        ..Database::configured(settings)
    };
    let (from, to) = (at(endpoints.from), at(endpoints.to));
    let is_terminal = io::stderr().is_terminal();
    let mut show = |progress| {
        if is_terminal {
            show_progress(progress);
        }
    };
    let copied = actix_rt::System::new().block_on(store::copy(&from, &to, &mut show));
    let copied = copied.map_err(|error| match error {
        CopyError::Failed(_) => Failure::internal(error),
        CopyError::Open(_)
        | CopyError::Same(_)
        | CopyError::OtherRows { .. }
        | CopyError::Changed { .. } => Failure::configuration(error),
    })?;
    let counts = copied.map(|table| format!("{} {}", table.rows, table.contents));
    Ok(format!("copied {} to `{}`\n", counts.join(", "), to.url))
}

/// Replaces the line on the terminal.
fn show_progress(progress: Progress) {
    let Progress {
        contents,
        done,
        total,
    } = progress;
    let end = if done >= total { "\n" } else { "" };
    // Without a terminal, there is no progress to show.
    write!(io::stderr(), "\r\x1b[K{contents}: {done} of {total}{end}").unwrap_or_default();
}
