//! Reads files of settings.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use config::{FileFormat, Format as _, ValueKind};

use crate::settings::error::Problem;
use crate::settings::keys::Keys;
use crate::settings::layers::{BUILT_IN, Layers};
use crate::settings::values::Profile;

/// Each key with its default. The file is compiled in, so the binary runs without it.
const DEFAULT: &str = include_str!("../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../config/development.toml");
const PRODUCTION: &str = include_str!("../../config/production.toml");

/// Returns the known keys with their defaults. A test ensures that the built-in files are valid.
pub(super) fn keys(profile: Profile) -> Keys {
    let parse = |text| FileFormat::Toml.parse(None, text).unwrap_or_default();
    Keys::new(parse(DEFAULT), parse(built_in(profile)))
}

/// Adds the files of the folder. The built-in file of the profile overrides `default.toml`.
pub(super) fn add(layers: &mut Layers, folder: &Path) {
    add_file(layers, &folder.join("default.toml"));
    add_text(layers, BUILT_IN, built_in(layers.profile));
    add_file(
        layers,
        &folder.join(layers.profile.name()).with_extension("toml"),
    );
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
            layers
                .problems
                .push(problem.hint("it must be a readable file in UTF-8"));
        }
    }
}

fn add_text(layers: &mut Layers, origin: &str, text: &str) {
    match FileFormat::Toml.parse(None, text) {
        Ok(table) => layers.add(origin, "", ValueKind::Table(table)),
        Err(error) => layers
            .problems
            .push(syntax_error(origin, text, &error.to_string())),
    }
}

/// Extracts the line number and the reason from the message of the TOML parser. The text of the line is left out, because
/// it may contain a secret.
///
/// The message consists of `TOML parse error at line 3, column 14`, three lines that quote the text, and the reason. If a
/// number is too large, the message has no line.
fn syntax_error(origin: &str, text: &str, message: &str) -> Problem {
    let is_long_number = |line: &str| line.bytes().filter(u8::is_ascii_digit).count() >= 19;
    let number = || Some(text.lines().position(is_long_number)? + 1);
    let (line, reason) = match message.strip_prefix("TOML parse error at line ") {
        Some(rest) => (
            rest.split(',').next().and_then(|line| line.parse().ok()),
            rest.lines().skip(4).collect::<Vec<_>>().join(", "),
        ),
        None => (number(), String::from("the number is too large")),
    };
    let line = line.map_or_else(String::new, |line: usize| format!(":{line}"));
    let problem = Problem::new(&[], format!("{origin}{line}: invalid TOML: {reason}"));
    problem.hint("a text needs quotation marks, as in format = \"dev\"; a key may occur only once")
}
