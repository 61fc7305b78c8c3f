//! The settings: plain data, read from files and environment variables.

mod address;
mod app;
mod conflicts;
mod data;
mod derived;
mod environment;
mod error;
mod events;
mod files;
mod keys;
mod layers;
mod report;
mod rules;
#[cfg(test)]
mod tests;
mod user;
mod values;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::Map;

use crate::settings::error::escape;
use crate::settings::layers::Layers;

pub use crate::settings::address::{Host, ListenAddress};
pub use crate::settings::app::App;
pub use crate::settings::data::{
    Admin, Console, Gateway, Json, Limits, Log, Metrics, Server, Session, Settings, Store, Wechat,
};
pub use crate::settings::derived::AvatarStore;
pub use crate::settings::error::{Error, Problem};
pub use crate::settings::events::Events;
pub(crate) use crate::settings::rules::sqlite_file;
pub use crate::settings::user::{Avatar, User};
pub use crate::settings::values::{AppKind, LogStyle, LogTarget, Profile, ProxyUrl, TrustedProxy};

/// The settings and their origins.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The sources in order: `built-in defaults`, then files, then variables.
    pub sources: Vec<String>,
    /// Each key with its value and its origin, as TOML with comments. Secrets are masked.
    pub report: String,
}

impl Settings {
    /// Reads the settings from the environment and from the files in `folder` (usually `config`), which need not exist.
    /// `WEAPP_CONFIG_DIR` in the environment names another folder, which must exist.
    ///
    /// # Errors
    /// [`Error`] with every unreadable file, unknown key and invalid value.
    pub fn load<N: Into<OsString>, V: Into<OsString>>(
        environment: impl IntoIterator<Item = (N, V)>,
        folder: &Path,
    ) -> Result<Loaded, Error> {
        let environment = environment.into_iter();
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let mut problems = Vec::new();
        let mut variables = environment::variables(environment, &mut problems);
        let profile = profile(variables.remove("WEAPP_PROFILE"), &mut problems);
        let folder = match variables.remove("WEAPP_CONFIG_DIR") {
            Some(name) => existing_folder(name, &mut problems),
            None => folder.to_owned(),
        };
        let sources = ["built-in defaults"].into_iter();
        let sources = sources.chain(profile.map(|_| "WEAPP_PROFILE"));
        let mut layers = Layers {
            profile: profile.unwrap_or(Profile::Development),
            keys: files::keys(profile.unwrap_or(Profile::Development)),
            sources: sources.map(String::from).collect(),
            values: Map::new(),
            problems,
        };
        files::add(&mut layers, &folder);
        environment::add(&mut layers, variables);
        let settings = check(&mut layers)?;
        Ok(Loaded {
            settings,
            report: report::effective(&layers, profile.is_some()),
            sources: layers.sources,
        })
    }
}

/// Parses `WEAPP_PROFILE`.
fn profile(name: Option<String>, problems: &mut Vec<Problem>) -> Option<Profile> {
    let name = name?;
    let profile = Profile::from_name(&name);
    if let Err(rule) = &profile {
        let (variable, name) = ("WEAPP_PROFILE", escape(&name));
        let message = format!("{variable} must be {rule}, got {name}");
        problems.push(Problem::new(&[variable], message));
    }
    profile.ok()
}

/// Checks `WEAPP_CONFIG_DIR`.
fn existing_folder(name: String, problems: &mut Vec<Problem>) -> PathBuf {
    if !Path::new(&name).is_dir() {
        let message = format!(
            "WEAPP_CONFIG_DIR: the folder {} does not exist",
            escape(&name)
        );
        problems.push(Problem::new(&[], message));
    }
    name.into()
}

/// Returns the settings, unless there is a problem.
fn check(layers: &mut Layers) -> Result<Settings, Error> {
    let Ok(mut settings) = layers.settings(&layers.values) else {
        let bug = "the settings are valid, but cannot be merged; please report this bug";
        return Err(Error {
            problems: vec![Problem::new(&[], bug)],
        });
    };
    let values = layers.keys.with_defaults(&layers.values);
    let mut conflicts = conflicts::find(&settings, &values);
    // Otherwise one mistake would be reported twice.
    conflicts.retain(|conflict| {
        !layers
            .problems
            .iter()
            .any(|problem| problem.may_cause(conflict))
    });
    layers.problems.append(&mut conflicts);
    if !layers.problems.is_empty() {
        return Err(Error {
            problems: std::mem::take(&mut layers.problems),
        });
    }
    let without_id = |_: &String, app: &mut App| app.app_id.as_str().is_empty();
    let without_id = settings.apps.extract_if(.., without_id).collect();
    if settings.simulated() {
        settings.simulated_apps = without_id;
    }
    Ok(settings)
}
