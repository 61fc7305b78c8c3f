//! The subcommands, one file each. Part of the binary, not of the library.

mod background;
mod bind_failure;
pub(crate) mod check_config;
pub(crate) mod command_line;
pub(crate) mod connection_limits;
mod environment_proxy;
pub(crate) mod explain;
pub(crate) mod healthcheck;
pub(crate) mod listener;
pub(crate) mod openapi;
pub(crate) mod process;
pub(crate) mod sessions;
mod signals;
pub(crate) mod simulate;
pub(crate) mod simulator;
mod startup_banner;
pub(crate) mod store;
pub(crate) mod users;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use weapp_login::language::Language;
use weapp_login::settings::{self, Loaded, Settings};
use weapp_login::store::{Database, Store};

/// Returns `true` if `NO_COLOR` is set. See <https://no-color.org>.
pub(crate) fn no_color() -> bool {
    is_set("NO_COLOR")
}

/// Returns `true` if a variable is set. An empty one is not.
fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Returns the language that an option names, or else the environment's locale.
pub(crate) fn language(option: Option<&str>) -> Language {
    let of_locale = || {
        // The order of POSIX.
        let locales = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| env::var(name).ok());
        locales
            .into_iter()
            .flatten()
            .find(|locale| !locale.is_empty())
    };
    let name = option.map(str::to_owned).or_else(of_locale);
    let language = name.and_then(|name| Language::parse(&name));
    language.unwrap_or_default()
}

/// The error that ends the process.
pub(crate) struct Failure {
    exit_code: u8,
    message: String,
}

impl Failure {
    /// An error that the user can fix, such as a wrong setting or a port in use: exit code 2.
    pub(crate) fn configuration(error: impl Error) -> Self {
        Self::message(chain(&error))
    }

    /// The same, from a message.
    pub(crate) fn message(message: String) -> Self {
        Self {
            exit_code: 2,
            message,
        }
    }

    /// Any other error: exit code 1.
    pub(crate) fn internal(error: impl Error) -> Self {
        Self {
            exit_code: 1,
            message: chain(&error),
        }
    }

    /// Returns the message.
    pub(crate) fn into_message(self) -> String {
        self.message
    }

    /// Prints the message to standard error and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // If standard error is closed, the exit code is all there is to report.
        writeln!(io::stderr(), "weapp-login: {}", self.message).unwrap_or_default();
        ExitCode::from(self.exit_code)
    }
}

/// Formats an error and its sources, separated by colons.
fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        message.push_str(": ");
        message.push_str(&source.to_string());
        cause = source.source();
    }
    message
}

/// Loads the settings from the environment and from the files in `folder`. Without a folder, `WEAPP_CONFIG_DIR` or
/// `config` is used.
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
                "the folder `{}` that --config names does not exist\n  \
                 hint: name the folder that holds the settings, or omit --config",
                folder.display()
            )));
        }
    };
    loaded.map_err(Failure::configuration)
}

/// Fails if the database file does not exist: creating one would hide that these are not the settings of the server.
pub(crate) fn existing_database(store: &settings::Store) -> Result<(), Failure> {
    let Some(file) = store.file() else {
        return Ok(());
    };
    if fs::metadata(file).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    Err(Failure::message(format!(
        "the database `{}` does not exist\n  hint: use the settings of the server, and its working folder if \
         `store.url` is relative; `config check` shows them",
        file.display()
    )))
}

/// Opens the store that the settings name, which must exist.
pub(crate) async fn existing_store(settings: &Settings) -> Result<Arc<dyn Store>, Failure> {
    existing_database(&settings.store)?;
    let store = weapp_login::store::open(Database::configured(settings)).await;
    store.map_err(Failure::configuration)
}

/// Writes to standard output. A closed pipe, as after `| head`, is not an error.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(output_failure(&error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The failure of a write to standard output.
pub(crate) fn output_failure(error: &io::Error) -> Failure {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    let hint = if full.contains(&error.kind()) {
        "free space on the disk to which standard output is redirected"
    } else {
        "check where standard output is redirected to"
    };
    Failure {
        exit_code: 1,
        message: format!("cannot write to standard output: {error}\n  hint: {hint}"),
    }
}
