//! The layers of the settings: checks each value and merges the layers.

use std::mem::discriminant;

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Map, Value, ValueKind};

use crate::settings::data::Settings;
use crate::settings::error::{Problem, masked_key, shown};
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
        let in_apps = key.strip_prefix("apps.");
        let app = in_apps.and_then(|rest| rest.split('.').next());
        if let Some(name) = app.filter(|name| !is_app_name(name)) {
            let rule = "tables named in lower-case letters, digits, `-` and single `_`";
            return self.reject(origin, "apps", rule, &name.into());
        }
        let typed = self.keys.default(key).map(|default| typed(default, &value));
        let names = self.keys.names(key);
        match (typed, value) {
            (Some(Ok(value)), _) => {
                values.insert(key.to_owned(), Value::new(Some(&origin.to_owned()), value));
            }
            (Some(Err(rule)), value) => self.reject(origin, key, rule, &value),
            (None, _) if names.is_empty() => self.reject_unknown(origin, key),
            (None, ValueKind::Table(table)) => {
                for (name, value) in table {
                    let key = format!("{key}.{name}");
                    let key = key.trim_start_matches('.');
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

    fn reject(&mut self, origin: &str, key: &str, rule: &str, value: &ValueKind) {
        let value = shown(key, value);
        let message = format!("{origin}: `{key}` must be {rule}, got {value}");
        let default = self.keys.default(key).map(|default| shown(key, default));
        let default = default.filter(|default| default != "\"\"");
        let hint = default.map(|default| format!("remove it to use the default, {default}"));
        let problem = Problem::new(&[key], message).hint(&hint.unwrap_or_default());
        self.problems.push(problem);
    }

    fn reject_unknown(&mut self, origin: &str, key: &str) {
        // Files have an extension, variables do not.
        let suggestion = self.keys.suggestion(key, !origin.contains('.'));
        let instead = suggestion.map(|name| format!("did you mean `{name}`?"));
        let instead = instead.unwrap_or_else(|| {
            let section = key.rsplit_once('.').map_or("", |(section, _)| section);
            let sections = [section, ""].map(|section| self.keys.names(section).join(", "));
            let names = sections.iter().find(|names| !names.is_empty());
            let names = names.map_or("", String::as_str);
            format!("the settings there are {names}")
        });
        let name = masked_key(key);
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

/// Returns the value as the type of the default, or the rule that it breaks. A text is parsed: variables are texts, and a
/// number in a file may have quotes. A secret that looks like a number stays a text.
fn typed(default: &ValueKind, value: &ValueKind) -> Result<ValueKind, &'static str> {
    use ValueKind::{Array, Boolean, I64, String};
    let is_text = |item: &Value| matches!(item.kind, String(_));
    let typed = match (default, value) {
        (I64(_), String(text)) => text.parse().ok().map(I64),
        (Boolean(_), String(text)) => text.parse().ok().map(Boolean),
        (Array(_), Array(items)) if !items.iter().all(is_text) => None,
        _ => (discriminant(default) == discriminant(value)).then(|| value.clone()),
    };
    typed.ok_or(match (default, value) {
        (I64(_), _) => "a whole number",
        (Boolean(_), _) => "true or false",
        (Array(_), _) => "a list of texts in quotes",
        _ => "a text in quotes",
    })
}

/// Returns the rule that a value breaks, which is the error of a function in `rules`.
fn rule(error: &ConfigError) -> String {
    if let ConfigError::At { error, .. } = error {
        return rule(error);
    }
    error.to_string()
}
