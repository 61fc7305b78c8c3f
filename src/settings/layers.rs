//! The layers of the settings: checks each value and merges the layers.

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Map, Value, ValueKind};

use crate::settings::data::Settings;
use crate::settings::error::{Problem, escape, shown};
use crate::settings::keys::{Keys, Values};
use crate::settings::rules::is_app_name;
use crate::settings::values::Profile;

/// Origin of built-in values.
pub(super) const BUILT_IN: &str = "built in";

/// The merged layers and the problems found in them.
pub(super) struct Layers {
    pub(super) profile: Profile,
    /// The known keys with the defaults of the profile.
    pub(super) keys: Keys,
    /// The files and variables in the order in which they were added.
    pub(super) sources: Vec<String>,
    /// The effective value of each key that is set.
    pub(super) values: Values,
    pub(super) problems: Vec<Problem>,
}

impl Layers {
    /// Adds a file or variable, which overrides the layers before it. Invalid values are reported and left out.
    pub(super) fn add(&mut self, origin: &str, key: &str, value: ValueKind) {
        let mut values = Map::new();
        self.collect(&mut values, origin, key, value);
        if self.settings(&values).is_err() {
            values.retain(|key, value| {
                let invalid = self.settings(&[(key.clone(), value.clone())].into()).err();
                if let Some(error) = &invalid {
                    self.reject(origin, key, &rule(error), &value.kind);
                }
                invalid.is_none()
            });
        }
        if origin != BUILT_IN {
            self.sources.push(origin.to_owned());
        }
        self.values.extend(values);
    }

    /// Collects the values of known keys that have the right type.
    fn collect(&mut self, values: &mut Values, origin: &str, key: &str, value: ValueKind) {
        let default = self.keys.default(key);
        let value = parsed(default, value);
        let rule = default.map(|default| type_rule(default, &value));
        let names = self.keys.names(key);
        let app = key
            .strip_prefix("apps.")
            .and_then(|rest| rest.split('.').next());
        if let Some(name) = app.filter(|name| !is_app_name(name)) {
            let rule = "tables named in lower-case letters, digits, `-` and single `_`";
            return self.reject(origin, "apps", rule, &name.into());
        }
        match (rule, value) {
            (Some(None), value) => {
                values.insert(key.to_owned(), Value::new(Some(&origin.to_owned()), value));
            }
            (Some(Some(rule)), value) => self.reject(origin, key, rule, &value),
            (None, _) if names.is_empty() => self.reject_unknown(origin, key),
            (None, ValueKind::Table(table)) => {
                for (name, value) in table {
                    let key = format!("{key}.{name}");
                    let key = key.strip_prefix('.').unwrap_or(&key);
                    if name.contains('.') {
                        self.reject_unknown(origin, key);
                    } else {
                        self.collect(values, origin, key, value.kind);
                    }
                }
            }
            (None, value) => {
                let rule = format!("a table with {}", names.join(", "));
                self.reject(origin, key, &rule, &value);
            }
        }
    }

    /// Adds a problem.
    pub(super) fn report(&mut self, keys: &[&str], message: String) {
        self.problems.push(Problem::new(keys, message));
    }

    fn reject(&mut self, origin: &str, key: &str, rule: &str, value: &ValueKind) {
        let value = shown(key, value);
        let message = format!("{origin}: `{key}` must be {rule}, got {value}");
        let mut problem = Problem::new(&[key], message);
        let default = self.keys.default(key).map(|default| shown(key, default));
        if let Some(default) = default.filter(|default| default != "\"\"") {
            problem = problem.hint(&format!("remove it to use the default, {default}"));
        }
        self.problems.push(problem);
    }

    fn reject_unknown(&mut self, origin: &str, key: &str) {
        // Files have an extension, variables do not.
        let suggestion = self.keys.suggestion(key, !origin.contains('.'));
        let instead = suggestion.map(|name| format!("did you mean `{name}`?"));
        let instead = instead.unwrap_or_else(|| {
            let section = key.rsplit_once('.').map_or("", |(section, _)| section);
            let names = Some(self.keys.names(section)).filter(|names| !names.is_empty());
            let names = names.unwrap_or_else(|| self.keys.names(""));
            format!("the settings there are {}", names.join(", "))
        });
        let name = escape(key);
        let name = name.trim_matches('"');
        let message = format!("unknown setting `{name}` in {origin}; {instead}");
        self.problems.push(Problem::new(&[key], message));
    }

    /// Deserializes these values on top of the defaults.
    pub(super) fn settings(&self, values: &Values) -> Result<Settings, ConfigError> {
        let builder = Config::builder().set_override("profile", self.profile.name())?;
        let mut values = self.keys.with_defaults(values).into_iter();
        let set =
            |builder: ConfigBuilder<DefaultState>, (key, value)| builder.set_override(key, value);
        values.try_fold(builder, set)?.build()?.try_deserialize()
    }
}

/// Parses a text as the type of the default: variables are texts, and a number in a file may have quotes. A text that
/// cannot be parsed stays one, and so does a secret that looks like a number.
fn parsed(default: Option<&ValueKind>, value: ValueKind) -> ValueKind {
    let parsed = match (default, &value) {
        (Some(ValueKind::I64(_)), ValueKind::String(text)) => text.parse().ok().map(ValueKind::I64),
        (Some(ValueKind::Boolean(_)), ValueKind::String(text)) => {
            text.parse().ok().map(ValueKind::Boolean)
        }
        _ => None,
    };
    parsed.unwrap_or(value)
}

/// Returns the rule that a value breaks if it has another type than the default.
fn type_rule(default: &ValueKind, value: &ValueKind) -> Option<&'static str> {
    use ValueKind::{Array, Boolean, I64, String};
    let is_text = |item: &Value| matches!(item.kind, String(_));
    match (default, value) {
        (I64(_), I64(_)) | (Boolean(_), Boolean(_)) | (String(_), String(_)) => None,
        (Array(_), Array(items)) if items.iter().all(is_text) => None,
        (I64(_), _) => Some("a whole number"),
        (Boolean(_), _) => Some("true or false"),
        (Array(_), _) => Some("a list of texts in quotes"),
        _ => Some("a text in quotes"),
    }
}

/// Returns the rule that a value breaks, which is the error of a function in `rules`.
fn rule(error: &ConfigError) -> String {
    if let ConfigError::At { error, .. } = error {
        return rule(error);
    }
    error.to_string()
}
