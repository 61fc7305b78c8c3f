//! The known keys, as listed in `config/default.toml`, and suggestions for misspelt ones.

use config::{Map, Value, ValueKind};
use strsim::damerau_levenshtein;

/// The app in `config/default.toml`. It stands for apps of all names.
const APP: &str = "apps.main.";
/// The settings that only variables set.
const NOT_IN_FILES: [&str; 2] = ["profile", "config_dir"];

/// Values by key.
pub(super) type Values = Map<String, Value>;

/// The known keys with their defaults, in the order of the file.
pub(super) struct Keys(Values);

impl Keys {
    /// Takes the keys of `config/default.toml` and the defaults that the file of the profile overrides.
    pub(super) fn new(default: Values, profile: Values) -> Self {
        let mut keys = Map::new();
        flatten("", default, &mut keys);
        flatten("", profile, &mut keys);
        Self(keys)
    }

    /// Returns these values on top of the defaults of all keys.
    pub(super) fn with_defaults(&self, values: &Values) -> Values {
        let mut all = self.0.clone();
        for app in values.keys().filter_map(|key| app(key)) {
            let template = self.0.iter().filter(|(key, _)| key.starts_with(APP));
            all.extend(template.map(|(key, value)| (key.replace(APP, app), value.clone())));
        }
        all.extend(values.clone());
        all
    }

    /// Returns the default of a key. The key takes values of the same type.
    pub(super) fn default(&self, key: &str) -> Option<&ValueKind> {
        self.0.get(&template(key)).map(|value| &value.kind)
    }

    /// Returns the names of the keys and sections in a section; none if it is not a section.
    pub(super) fn names(&self, section: &str) -> Vec<&str> {
        let prefix = match section {
            "" => String::new(),
            "apps" => return vec!["<name>"],
            _ => template(&format!("{section}.")),
        };
        let keys = self.0.keys().filter_map(|key| key.strip_prefix(&prefix));
        let mut names: Vec<&str> = keys.filter_map(|key| key.split('.').next()).collect();
        names.dedup();
        names
    }

    /// Returns the key, section or variable that is most similar to an unknown key.
    pub(super) fn suggestion(&self, unknown: &str, as_variable: bool) -> Option<String> {
        // Separators are often confused: `server_port` for `server.port`.
        let letters = |key: &str| key.replace(['.', '_'], "");
        let wanted = letters(&template(unknown));
        let keys = || self.0.keys().map(String::as_str);
        let known = keys().chain(self.names("")).chain(NOT_IN_FILES);
        let similar = known.filter_map(|key| {
            let distance = damerau_levenshtein(&letters(key), &wanted);
            (distance <= (key.len() / 3).max(1)).then_some((distance, key))
        });
        let same_name = |key: &&str| key.rsplit('.').next() == unknown.rsplit('.').next();
        let key = similar.min().map(|(_, key)| key);
        let key = key.or_else(|| keys().find(same_name))?;
        let is_variable = NOT_IN_FILES.contains(&key) || as_variable && self.0.contains_key(key);
        let key = key.replace(APP, app(unknown).unwrap_or(APP));
        Some(if is_variable { variable(&key) } else { key })
    }
}

/// Returns the name of the variable for a key.
pub(super) fn variable(key: &str) -> String {
    format!("WEAPP_{}", key.replace('.', "__").to_ascii_uppercase())
}

/// Returns `apps.<name>.` of a key of an app.
fn app(key: &str) -> Option<&str> {
    let name = key.strip_prefix("apps.")?.split_once('.')?.0;
    key.get(.."apps..".len() + name.len())
}

/// Returns the key in `config/default.toml` that stands for this one.
fn template(key: &str) -> String {
    app(key).map_or_else(|| key.to_owned(), |app| key.replacen(app, APP, 1))
}

fn flatten(prefix: &str, table: Values, keys: &mut Values) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        if let ValueKind::Table(table) = value.kind {
            flatten(&format!("{key}."), table, keys);
        } else {
            keys.insert(key, Value::new(None, value.kind));
        }
    }
}
