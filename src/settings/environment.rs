//! Reads settings from environment variables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;

use config::ValueKind;

use crate::settings::error::{Problem, escape, is_secret};
use crate::settings::keys::variable;
use crate::settings::layers::Layers;

/// Variables of other programs, each with its key. Variables of ours override them.
const COMMON: [(&str, &str); 2] = [("PORT", "server.port"), ("RUST_LOG", "log.targets")];
/// Maximum size of a file that holds a secret. Our choice: a larger one is the wrong file.
const MAX_SECRET_BYTES: u64 = 4096;

/// Returns the variables that are settings. An empty variable is not set.
pub(super) fn variables(
    environment: impl Iterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in environment {
        let name = name.to_string_lossy().into_owned();
        let is_common = COMMON.iter().any(|(common, _)| *common == name);
        match value.into_string() {
            _ if !name.starts_with("WEAPP_") && !is_common => {}
            Ok(text) if text.is_empty() || is_service_link(&name, &text) => {}
            Ok(text) => drop(variables.insert(name, text)),
            Err(_) => {
                let message = format!("{name}: the value must be UTF-8 text");
                problems.push(Problem::new(&[], message));
            }
        }
    }
    variables
}

/// Returns `true` for variables that Kubernetes and Docker links set for a service whose name begins with `weapp`, such as
/// `WEAPP_LOGIN_SERVICE_HOST` and `WEAPP_LOGIN_PORT_3000_TCP_ADDR`.
///
/// Source: [Environment variables](https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
fn is_service_link(name: &str, text: &str) -> bool {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let is_port = name.contains("_PORT_") && has(&["_TCP", "_UDP", "_SCTP"]);
    let is_address = name.ends_with("_PORT") && text.contains("://");
    !name.contains("__") && (has(&["_SERVICE_HOST", "_SERVICE_PORT"]) || is_port || is_address)
}

/// Adds a layer for each variable.
pub(super) fn add(layers: &mut Layers, mut variables: BTreeMap<String, String>) {
    for (name, key) in COMMON {
        let text = variables.remove(name);
        if let Some(text) = text.filter(|_| !variables.contains_key(&variable(key))) {
            add_text(layers, name, key, &text);
        }
    }
    for (name, text) in &variables {
        let key = name.trim_start_matches("WEAPP_").to_ascii_lowercase();
        let key = key.replace("__", ".");
        let secret = key.strip_suffix("_file").filter(|key| is_secret(key));
        if *name != variable(&key) {
            let message = format!(
                "unknown setting in {name}; did you mean `{}`?",
                variable(&key)
            );
            layers.problems.push(Problem::new(&[&key], message));
        } else if let Some(key) = secret.filter(|key| layers.keys.default(key).is_some()) {
            match read_secret(name, text, &variables) {
                Ok(text) => add_text(layers, name, key, &text),
                Err(problem) => layers.problems.push(problem),
            }
        } else {
            add_text(layers, name, &key, text);
        }
    }
}

/// Adds a layer for a text. If the key takes a list, the text is split.
fn add_text(layers: &mut Layers, name: &str, key: &str, text: &str) {
    let value = if let Some(ValueKind::Array(_)) = layers.keys.default(key) {
        // A file holds one item per line.
        let items = text.split([',', '\n']).map(str::trim);
        items
            .filter(|item| !item.is_empty())
            .collect::<Vec<_>>()
            .into()
    } else {
        ValueKind::from(text)
    };
    layers.add(name, key, value);
}

/// Reads the file that a `…_FILE` variable names, without a byte order mark and without the line break at its end.
fn read_secret(name: &str, file: &str, all: &BTreeMap<String, String>) -> Result<String, Problem> {
    let plain = name.trim_end_matches("_FILE");
    if all.contains_key(plain) {
        let message = format!("{name} and {plain} are both set");
        return Err(Problem::new(&[], message).hint("unset one of them"));
    }
    let mut text = String::new();
    let open = File::open(file).map(|open| open.take(MAX_SECRET_BYTES));
    if let Err(error) = open.and_then(|mut bytes| bytes.read_to_string(&mut text)) {
        let file = escape(file);
        let message = format!("{name} names a file that cannot be read, {file}: {error}");
        let hint = "the file must hold the secret as UTF-8 text, and nothing else";
        return Err(Problem::new(&[], message).hint(hint));
    }
    let text = text.trim_start_matches('\u{feff}');
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
