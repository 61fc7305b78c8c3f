//! Prints the effective settings and their origins.

use config::Value;

use crate::settings::error::shown;
use crate::settings::layers::{BUILT_IN, Layers};

/// Returns each key with its value and, as a comment, its origin.
pub(super) fn effective(layers: &Layers, profile_is_set: bool) -> String {
    let chosen_by = if profile_is_set {
        "WEAPP_PROFILE"
    } else {
        BUILT_IN
    };
    let mut lines = vec![format!(
        "# profile: {} ({chosen_by})",
        layers.profile.name()
    )];
    let mut section = "";
    let values = layers.keys.with_defaults(&layers.values);
    for (key, value) in &values {
        let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
        if section != table {
            section = table;
            lines.extend([String::new(), format!("[{table}]")]);
        }
        let line = format!("{name} = {}", shown(key, &value.kind));
        lines.push(format!("{line:<48}  # {}", origin(Some(value))));
    }
    lines.join("\n") + "\n"
}

/// Returns the file or variable of a value, or [`BUILT_IN`].
pub(super) fn origin(value: Option<&Value>) -> &str {
    value.and_then(Value::origin).unwrap_or(BUILT_IN)
}
