//! The subcommands, one file each; part of the binary.
//!
//! Knows the order in which a process starts and stops, and what it prints. Never knows what is served.

pub(crate) mod check_config;
pub(crate) mod command_line;
pub(crate) mod completions;
mod connections;
pub(crate) mod explain;
pub(crate) mod healthcheck;
mod listener;
mod metrics;
pub(crate) mod openapi;
pub(crate) mod serve;
pub(crate) mod sessions;
mod signals;
pub(crate) mod simulate;
mod start_block;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use weapp_login::settings::{Loaded, Settings};

/// Why the process ends with a failure.
pub(crate) struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    /// What the person who started the process can mend: status 2.
    pub(crate) fn to_mend(error: &dyn Error) -> Self {
        Self::message(chain(error))
    }

    /// The same, in words of our own.
    pub(crate) fn message(message: String) -> Self {
        Self { status: 2, message }
    }

    /// Anything else: status 1.
    pub(crate) fn of_ours(error: &dyn Error) -> Self {
        Self {
            status: 1,
            message: chain(error),
        }
    }

    /// Prints the message to standard error, and gives the process's status.
    pub(crate) fn tell(&self) -> ExitCode {
        // If nobody reads standard error, the status still tells.
        writeln!(io::stderr(), "weapp-login: {}", self.message).unwrap_or_default();
        ExitCode::from(self.status)
    }
}

/// An error and what led to it.
fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(because) = cause {
        message.push_str(": ");
        message.push_str(&because.to_string());
        cause = because.source();
    }
    message
}

/// The configuration of this process: its environment, and the files in `folder`; in `config`, if none is given and
/// `WEAPP_CONFIG_DIR` names none either.
pub(crate) fn configuration(folder: Option<&Path>) -> Result<Loaded, Failure> {
    let loaded = match folder {
        None => Settings::load(env::vars_os(), Path::new("config")),
        Some(folder) if folder.is_dir() => {
            let other_folder = |(name, _): &(OsString, OsString)| name == "WEAPP_CONFIG_DIR";
            let environment = env::vars_os().filter(|variable| !other_folder(variable));
            Settings::load(environment, folder)
        }
        Some(folder) => {
            return Err(Failure::message(format!(
                "there is no folder `{}`, which --config names\n  \
                 hint: name the folder of the settings, or leave --config out",
                folder.display()
            )));
        }
    };
    loaded.map_err(|error| Failure::to_mend(&error))
}

/// Writes to standard output. Whoever reads through `head` has seen enough: that is no failure.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::of_ours(&error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
