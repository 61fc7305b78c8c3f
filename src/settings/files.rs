//! Reads one file of settings.
//!
//! Knows TOML, and what a parser's message may not show.
//! Never knows which files there are, nor what they are for.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use config::{FileFormat, Format, Map, Value, ValueKind};

use crate::settings::error::{Place, Problem};
use crate::settings::findings::{self, masked};
use crate::settings::keys::{self, Stray};
use crate::settings::layers::Layer;
use crate::settings::rules;

/// Reads a text that is compiled in.
pub(super) fn built_in(text: &str, problems: &mut Vec<Problem>) -> Layer {
    layer(Place::BuiltIn, text, problems)
}

/// Reads a file; one that is not there says nothing.
pub(super) fn read(file: &Path, problems: &mut Vec<Problem>) -> Option<Layer> {
    let place = Place::File(file.display().to_string());
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return None;
        }
        Err(error) => {
            let reason = error.to_string();
            problems.push(Problem::Unreadable { place, reason });
            return None;
        }
    };
    let Ok(text) = String::from_utf8(bytes) else {
        let hint = "save the file as UTF-8";
        problems.push(Problem::NotText { place, hint });
        return None;
    };
    Some(layer(place, &text, problems))
}

fn layer(place: Place, text: &str, problems: &mut Vec<Problem>) -> Layer {
    let text = text.trim_start_matches('\u{feff}');
    let mut values = BTreeMap::new();
    match FileFormat::Toml.parse(None, text) {
        Ok(table) => walk(
            &mut Walk {
                place: &place,
                values: &mut values,
                problems,
            },
            &[],
            table,
        ),
        Err(error) => problems.push(syntax(&place, text, &error.to_string())),
    }
    Layer { place, values }
}

struct Walk<'a> {
    place: &'a Place,
    values: &'a mut BTreeMap<String, Value>,
    problems: &'a mut Vec<Problem>,
}

fn walk(into: &mut Walk<'_>, parents: &[&str], table: Map<String, Value>) {
    let sorted: BTreeMap<String, Value> = table.into_iter().collect();
    for (name, value) in sorted {
        let path = [parents, &[name.as_str()]].concat();
        match (keys::find(&path), value.kind) {
            _ if parents == ["apps"] && !rules::is_app_name(&name) => {
                into.problems.push(findings::app_name(into.place, &name));
            }
            (Err(Stray::Section(_)), ValueKind::Table(table)) => walk(into, &path, table),
            (Err(stray), _) => into
                .problems
                .push(findings::stray(into.place, &path, stray)),
            (Ok(key), kind) => match key.kind.objection(&kind) {
                Some(must) => {
                    let problem = findings::wrong_value(into.place, &path, key, must, &kind);
                    into.problems.push(problem);
                }
                None => {
                    into.values.insert(path.join("."), Value::new(None, kind));
                }
            },
        }
    }
}

/// Takes line and reason out of the parser's message, and leaves the line's text, which may hold a secret.
///
/// The message is `TOML parse error at line 3, column 14`, three lines that show the text, and the reason. Numbers
/// that do not fit are found only later, by a message without a line.
fn syntax(place: &Place, text: &str, message: &str) -> Problem {
    let line = message
        .strip_prefix("TOML parse error at line ")
        .and_then(|rest| rest.split(',').next()?.parse().ok());
    let (line, reason) = match line {
        Some(line) => (
            Some(line),
            message.lines().skip(4).collect::<Vec<_>>().join(", "),
        ),
        None => (
            text.lines()
                .position(holds_long_number)
                .map(|index| index + 1),
            String::from("the number is too large"),
        ),
    };
    let file = place.to_string();
    let speaks_of = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    let hint = if speaks_of(&["duplicate"]) {
        Some("remove one of the two")
    } else if speaks_of(&["quoted", "zero", "number", "integer", "float"]) {
        Some("a text needs quotation marks, as in format = \"dev\"")
    } else {
        None
    };
    Problem::Syntax {
        file,
        line,
        reason: masked(&reason),
        hint,
    }
}

fn holds_long_number(line: &str) -> bool {
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let digits = value
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || b"+-_".contains(byte));
    digits.count() >= 19
}
