//! The layers of the configuration and their order.
//!
//! Knows which layer wins: built in, folder, profile, this machine's file, environment.
//! Never knows how a file or a variable is read, nor what a key may hold.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{ConfigError, Map, Source, Value};

use crate::settings::data::Profile;
use crate::settings::environment::{self, Environment};
use crate::settings::error::{Place, Problem};
use crate::settings::files;

/// Every key with its default; compiled in, so that the file in the repository is the file in the binary.
pub(super) const DEFAULT: &str = include_str!("../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../config/development.toml");
const PRODUCTION: &str = include_str!("../../config/production.toml");

/// All that was read, the weakest layer first.
pub(super) struct Layers {
    pub(super) profile: Profile,
    pub(super) profile_is_set: bool,
    pub(super) stack: Vec<Layer>,
}

/// What one file or variable says: sound values by their keys' paths.
#[derive(Clone)]
pub(super) struct Layer {
    pub(super) place: Place,
    pub(super) values: BTreeMap<String, Value>,
}

/// Reads all layers. Whatever is wrong goes to `problems`, and is left out.
pub(super) fn read(
    environment: Vec<(OsString, OsString)>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Layers {
    let Environment {
        profile,
        folder: other_folder,
        layers: variables,
    } = environment::read(environment, problems);
    let folder = other_folder.map_or_else(|| folder.to_owned(), PathBuf::from);
    let profile_is_set = profile.is_some();
    let profile = profile.unwrap_or(Profile::Development);
    let (name, text) = match profile {
        Profile::Development => ("development.toml", DEVELOPMENT),
        Profile::Production => ("production.toml", PRODUCTION),
    };
    let mut stack = vec![files::built_in(DEFAULT, problems)];
    stack.extend(files::read(&folder.join("default.toml"), problems));
    stack.push(files::built_in(text, problems));
    stack.extend(files::read(&folder.join(name), problems));
    stack.extend(files::read(&folder.join("local.toml"), problems));
    stack.extend(variables);
    Layers {
        profile,
        profile_is_set,
        stack,
    }
}

impl Layers {
    /// Every key with the value that won, and where that stands.
    pub(super) fn effective(&self) -> BTreeMap<&str, (&Value, &Place)> {
        let values = self.stack.iter().flat_map(|layer| {
            let place = &layer.place;
            let values = layer.values.iter();
            values.map(move |(key, value)| (key.as_str(), (value, place)))
        });
        values.collect()
    }

    /// The defaults of the profile, whatever files and variables say.
    pub(super) fn built_in(&self) -> BTreeMap<&str, &Value> {
        let built_in = self
            .stack
            .iter()
            .filter(|layer| layer.place == Place::BuiltIn);
        let values = built_in.flat_map(|layer| &layer.values);
        values.map(|(key, value)| (key.as_str(), value)).collect()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone().into_iter().collect())
    }
}

/// Without the values, which may be secrets.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layer({})", self.place)
    }
}
