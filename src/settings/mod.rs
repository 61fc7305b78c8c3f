//! The configuration as plain typed data, with the units in the names.
//!
//! Knows every key, its layers (built in, files, environment) and which values make sense.
//! Never knows who reads a setting, nor how the process learns of its environment: that is an argument.

mod around;
mod check;
mod data;
mod environment;
mod error;
mod files;
mod findings;
mod keys;
mod layers;
mod log;
mod report;
mod rules;
#[cfg(test)]
mod tests;
mod written;

use std::ffi::OsString;
use std::path::Path;

pub use crate::settings::around::{Gateway, Metrics};
pub use crate::settings::data::{App, Json, Profile, Server, Session, Settings, Store, Wechat};
pub use crate::settings::error::{Error, Place, Problem};
pub use crate::settings::log::{Log, LogStyle, LogTarget};

/// What loading gives: the settings, and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What was read, in order: `built-in defaults`, then files, then variables.
    pub sources: Vec<String>,
    /// Every key with its value and where that came from, as TOML with comments; secrets are masked.
    pub report: String,
}

impl Settings {
    /// Reads all layers, with `folder` (usually `config`) as the folder of the files. It need not exist.
    /// `WEAPP_CONFIG_DIR` in the environment names another one, which must.
    ///
    /// # Errors
    /// [`Error`] with every problem found: what cannot be read, is unknown, or makes no sense.
    pub fn load<N: Into<OsString>, V: Into<OsString>>(
        environment: impl IntoIterator<Item = (N, V)>,
        folder: &Path,
    ) -> Result<Loaded, Error> {
        let environment = environment
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let mut problems = Vec::new();
        let layers = layers::read(environment, folder, &mut problems);
        let settings = check::settings(&layers, problems)?;
        Ok(Loaded {
            settings,
            sources: report::sources(&layers),
            report: report::effective(&layers),
        })
    }
}
