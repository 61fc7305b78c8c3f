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
            Err(_) => problems.push(Problem::new(
                &[],
                format!("{name}: the value must be UTF-8 text"),
            )),
        }
    }
    variables
}

/// Returns `true` for variables that Kubernetes and Docker links set for a service whose name begins with `weapp`, such as
/// `WEAPP_LOGIN_SERVICE_HOST` and `WEAPP_LOGIN_PORT_3000_TCP_ADDR`.
///
/// Source: [Environment variables](https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
fn is_service_link(name: &str, text: &str) -> bool {
    let has = |text: &str, parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let is_port = name.contains("_PORT_") && has(name, &["_TCP", "_UDP", "_SCTP"]);
    let is_address = name.ends_with("_PORT") && text.contains("://");
    let is_service = has(name, &["_SERVICE_HOST", "_SERVICE_PORT"]);
    !name.contains("__") && (is_service || is_port || is_address)
}

/// Adds a layer for each variable.
pub(super) fn add(layers: &mut Layers, mut variables: BTreeMap<String, String>) {
    for (name, key) in COMMON {
        let text = variables.remove(name);
        if let Some(text) = text.filter(|_| !variables.contains_key(&variable(key))) {
            add_text(layers, name, key, text);
        }
    }
    for (name, text) in &variables {
        let upper = name.to_ascii_uppercase().replace('.', "__");
        let key = upper.replacen("WEAPP_", "", 1).to_ascii_lowercase();
        let key = key.replace("__", ".");
        let secret = key.strip_suffix("_file").filter(|key| is_secret(key));
        if *name != upper {
            let message = format!("unknown setting in {name}; did you mean `{upper}`?");
            layers.report(&[&key], message);
        } else if let Some(key) = secret.filter(|key| layers.keys.default(key).is_some()) {
            match read_secret(name, text, &variables) {
                Ok(text) => add_text(layers, name, key, text),
                Err(problem) => layers.report(&[], format!("{name} {problem}")),
            }
        } else {
            add_text(layers, name, &key, text.clone());
        }
    }
}

/// Adds a layer for a text. If the key takes a list, the text is split.
fn add_text(layers: &mut Layers, name: &str, key: &str, text: String) {
    let value = if let Some(ValueKind::Array(_)) = layers.keys.default(key) {
        // A file holds one item per line.
        let items = text.split([',', '\n']).map(str::trim);
        let items = items.filter(|item| !item.is_empty());
        items.collect::<Vec<_>>().into()
    } else {
        ValueKind::String(text)
    };
    layers.add(name, key, value);
}

/// Reads the file that a `…_FILE` variable names, without a byte order mark and without the line break at its end.
fn read_secret(
    name: &str,
    file: &str,
    variables: &BTreeMap<String, String>,
) -> Result<String, String> {
    let plain = name.trim_end_matches("_FILE");
    if variables.contains_key(plain) {
        return Err(format!(
            "and {plain} are both set\n  hint: unset one of them"
        ));
    }
    let mut text = String::new();
    let file_to_read = File::open(file).map(|open| open.take(MAX_SECRET_BYTES));
    match file_to_read.and_then(|mut bytes| bytes.read_to_string(&mut text)) {
        Ok(_) => Ok(text
            .trim_start_matches('\u{feff}')
            .trim_end_matches(['\r', '\n'])
            .into()),
        Err(error) => Err(format!(
            "names a file that cannot be read, {}: {error}\n  hint: the file must hold the secret as UTF-8 text, and nothing else",
            escape(file)
        )),
    }
}
