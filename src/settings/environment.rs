//! Reads settings from environment variables.
//!
//! Knows how a variable's name leads to a key, and how its text becomes a value of the kind that the key holds: never by
//! what the text looks like, because a secret may look like a number.
//! Never asks the process for its environment: that is an argument.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use config::{Value, ValueKind};

use crate::settings::data::Profile;
use crate::settings::error::{Place, Problem};
use crate::settings::findings::{self, shown};
use crate::settings::keys::{self, Kind};
use crate::settings::layers::Layer;
use crate::settings::rules;

/// What the environment says.
pub(super) struct Environment {
    /// The profile, if one is chosen.
    pub(super) profile: Option<Profile>,
    /// The folder of the files, if another one is chosen.
    pub(super) folder: Option<String>,
    /// One layer per variable.
    pub(super) layers: Vec<Layer>,
}

const PREFIX: &str = "WEAPP_";
/// Variables that other programs know too, and the key that each is for. One of ours goes before.
const COMMON: [(&str, &str, [&str; 2]); 2] = [
    ("PORT", "WEAPP_SERVER__PORT", ["server", "port"]),
    ("RUST_LOG", "WEAPP_LOG__TARGETS", ["log", "targets"]),
];
/// A secret's file holds a line; more than this is some other file. Our choice.
const MAX_SECRET_BYTES: u64 = 4096;

/// Reads all variables. Whatever is wrong goes to `problems`, and is left out.
pub(super) fn read(pairs: Vec<(OsString, OsString)>, problems: &mut Vec<Problem>) -> Environment {
    let mut variables = texts(pairs, problems);
    let profile = variables.remove("WEAPP_PROFILE");
    let folder = variables.remove("WEAPP_CONFIG_DIR");
    let mut layers = Vec::new();
    for (name, ours, path) in COMMON {
        let text = variables.remove(name).filter(|text| !text.is_empty());
        if let Some(text) = text.filter(|_| !variables.contains_key(ours)) {
            layers.extend(layer(name, &path, text, problems));
        }
    }
    for (name, text) in &variables {
        let lower = name
            .strip_prefix(PREFIX)
            .unwrap_or(name)
            .to_ascii_lowercase();
        let path: Vec<&str> = lower.split("__").collect();
        let Some(secret) = lower.strip_suffix("_file").filter(|rest| is_secret(rest)) else {
            layers.extend(layer(name, &path, text.clone(), problems));
            continue;
        };
        let secret: Vec<&str> = secret.split("__").collect();
        if let Some(text) = secret_file(name, text, &variables, problems) {
            layers.extend(layer(name, &secret, text, problems));
        }
    }
    Environment {
        profile: profile.and_then(|name| profile_named(&name, problems)),
        folder: folder.filter(|folder| is_folder(folder, problems)),
        layers,
    }
}

/// The variables that are for us, as text.
fn texts(
    pairs: Vec<(OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (name, value) in pairs {
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with(PREFIX) && COMMON.iter().all(|(common, ..)| *common != name) {
            continue;
        }
        match value.into_string() {
            Ok(text) if is_service_link(&name, &text) => {}
            Ok(text) => {
                texts.insert(name, text);
            }
            Err(_) => problems.push(Problem::NotText {
                place: Place::Variable(name),
                hint: "set it again, in UTF-8",
            }),
        }
    }
    texts
}

/// Whether a variable is one that Kubernetes (and Docker's links) set about a service whose name begins with `weapp`:
/// `WEAPP_LOGIN_SERVICE_HOST`, `WEAPP_LOGIN_PORT_3000_TCP_ADDR`. Nobody wrote those, so nobody misspelt them.
///
/// Source: [Environment variables](https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
fn is_service_link(name: &str, text: &str) -> bool {
    let protocols = ["TCP", "UDP", "SCTP"];
    let of_port = |(_, rest): (&str, &str)| {
        let mut parts = rest.split('_');
        let number = parts.next().is_some_and(|part| part.parse::<u16>().is_ok());
        number && parts.next().is_some_and(|part| protocols.contains(&part))
    };
    let address = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    !name.contains("__")
        && (name.ends_with("_SERVICE_HOST")
            || name.ends_with("_SERVICE_PORT")
            || name.contains("_SERVICE_PORT_")
            || name.split_once("_PORT_").is_some_and(of_port)
            || (name.ends_with("_PORT") && address))
}

fn layer(name: &str, path: &[&str], text: String, problems: &mut Vec<Problem>) -> Option<Layer> {
    let place = Place::Variable(name.into());
    if let ["apps", app, ..] = path
        && !rules::is_app_name(app)
    {
        problems.push(findings::app_name(&place, app));
        return None;
    }
    let key = match keys::find(path) {
        Ok(key) if !name.bytes().any(|byte| byte.is_ascii_lowercase()) => key,
        Ok(_) => {
            problems.push(lower_case(place, name));
            return None;
        }
        Err(stray) => {
            problems.push(findings::stray(&place, path, stray.map_nearest(variable)));
            return None;
        }
    };
    let value = value(&key.kind, text);
    if let Some(must) = key.kind.objection(&value) {
        problems.push(findings::wrong_value(&place, path, key, must, &value));
        return None;
    }
    let values = BTreeMap::from([(path.join("."), Value::new(None, value))]);
    Some(Layer { place, values })
}

fn lower_case(place: Place, name: &str) -> Problem {
    Problem::UnknownKey {
        place,
        key: name.strip_prefix(PREFIX).unwrap_or(name).into(),
        nearest: Some(name.to_ascii_uppercase()),
        known: Vec::new(),
    }
}

/// Reads a text as what the key holds; a text that is none stays one, and is refused with the rest.
fn value(kind: &Kind, text: String) -> ValueKind {
    match kind {
        Kind::Number(..) => text
            .parse::<i64>()
            .map_or(ValueKind::String(text), ValueKind::I64),
        Kind::Flag => text
            .parse::<bool>()
            .map_or(ValueKind::String(text), ValueKind::Boolean),
        Kind::Text(_) | Kind::Secret(_) => ValueKind::String(text),
        Kind::Texts(_) | Kind::Secrets(_) => {
            // A file holds one a line.
            let parts = text
                .split([',', '\n'])
                .map(str::trim)
                .filter(|part| !part.is_empty());
            ValueKind::Array(parts.map(|part| Value::new(None, part)).collect())
        }
    }
}

/// The variable for a whole key; the name of a section stays as it is.
fn variable(key: String) -> String {
    match keys::find(&key.split('.').collect::<Vec<_>>()) {
        Ok(_) => format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase()),
        Err(_) => key,
    }
}

fn is_secret(path: &str) -> bool {
    let path: Vec<&str> = path.split("__").collect();
    matches!(keys::find(&path), Ok(key) if key.kind.is_secret())
}

/// Reads a secret from the file that a `…_FILE` variable names, without the line's end.
fn secret_file(
    name: &str,
    file: &str,
    variables: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let place = Place::Variable(name.into());
    let plain = name.strip_suffix("_FILE").unwrap_or(name);
    if variables.get(plain).is_some_and(|text| !text.is_empty()) {
        let other = Place::Variable(plain.into());
        problems.push(Problem::Twice { place, other });
        return None;
    }
    let mut bytes = Vec::new();
    let read =
        File::open(file).and_then(|open| open.take(MAX_SECRET_BYTES).read_to_end(&mut bytes));
    if let Err(error) = read {
        problems.push(Problem::UnreadableTarget {
            place,
            target: shown(file),
            reason: error.to_string(),
        });
        return None;
    }
    let Ok(text) = String::from_utf8(bytes) else {
        let hint = "the file must hold the secret and nothing else";
        problems.push(Problem::NotText { place, hint });
        return None;
    };
    Some(text.trim_end_matches(['\r', '\n']).into())
}

fn profile_named(name: &str, problems: &mut Vec<Problem>) -> Option<Profile> {
    match name {
        "development" => Some(Profile::Development),
        "production" => Some(Profile::Production),
        other => {
            problems.push(Problem::UnknownProfile { got: shown(other) });
            None
        }
    }
}

fn is_folder(folder: &str, problems: &mut Vec<Problem>) -> bool {
    let is_folder = Path::new(folder).is_dir();
    if !is_folder {
        problems.push(Problem::UnreadableTarget {
            place: Place::Variable("WEAPP_CONFIG_DIR".into()),
            target: shown(folder),
            reason: "there is no such folder".into(),
        });
    }
    is_folder
}
