//! Reads files of settings.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use config::ValueKind;
use serde::Deserialize as _;

use crate::settings::error::Problem;
use crate::settings::keys::{Keys, Values};
use crate::settings::layers::{BUILT_IN, Layers};
use crate::settings::values::Profile;

/// Each key with its default. The file is compiled in, so the binary runs without it.
const DEFAULT: &str = include_str!("../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../config/development.toml");
const PRODUCTION: &str = include_str!("../../config/production.toml");

/// Returns the known keys with their defaults. A test ensures that the built-in files are valid.
pub(super) fn keys(profile: Profile) -> Keys {
    let [default, profile] =
        [DEFAULT, built_in(profile)].map(|text| parse(text).unwrap_or_default());
    Keys::new(default, profile)
}

/// Adds the files of the folder. The built-in file of the profile overrides `default.toml`.
pub(super) fn add(layers: &mut Layers, folder: &Path) {
    add_file(layers, &folder.join("default.toml"));
    add_text(layers, BUILT_IN, built_in(layers.profile));
    let name = layers.profile.name();
    add_file(layers, &folder.join(name).with_extension("toml"));
    add_file(layers, &folder.join("local.toml"));
}

fn built_in(profile: Profile) -> &'static str {
    match profile {
        Profile::Development => DEVELOPMENT,
        Profile::Production => PRODUCTION,
    }
}

/// Adds a file, if it exists.
fn add_file(layers: &mut Layers, file: &Path) {
    let origin = file.display().to_string();
    match fs::read_to_string(file) {
        Ok(text) => add_text(layers, &origin, text.trim_start_matches('\u{feff}')),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
        Err(error) => {
            let problem = Problem::new(&[], format!("{origin}: the file cannot be read: {error}"));
            let hint = "it must be a readable file in UTF-8";
            layers.problems.push(problem.hint(hint));
        }
    }
}

fn add_text(layers: &mut Layers, origin: &str, text: &str) {
    match parse(text) {
        Ok(table) => layers.add(origin, "", ValueKind::Table(table)),
        Err(error) => layers.problems.push(syntax_error(origin, text, &error)),
    }
}

pub(super) fn parse(text: &str) -> Result<Values, toml::de::Error> {
    toml::from_str::<toml::Table>(text).and_then(Values::deserialize)
}

/// Leaves out the text of the line, because it may contain a secret, and so does the reason if a number is too large.
fn syntax_error(origin: &str, text: &str, error: &toml::de::Error) -> Problem {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    let reason = match error.message() {
        reason if reason.contains("integer") => "the number is too large",
        reason => reason,
    };
    let problem = Problem::new(&[], format!("{origin}:{line}: invalid TOML: {reason}"));
    problem.hint("a text needs quotation marks, as in format = \"dev\"; a key may occur only once")
}
