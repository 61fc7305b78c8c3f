//! Says what the effective configuration is, and where it came from.
//!
//! Knows which values are secrets, and shows only whether those are set.
//! Never knows whether a value makes sense.

use config::ValueKind;

use crate::settings::error::Place;
use crate::settings::keys;
use crate::settings::layers::Layers;

/// What was read, the weakest first.
pub(super) fn sources(layers: &Layers) -> Vec<String> {
    let mut sources = vec![String::from("built-in defaults")];
    sources.extend(layers.profile_is_set.then(|| String::from("WEAPP_PROFILE")));
    let places = layers
        .stack
        .iter()
        .filter(|layer| layer.place != Place::BuiltIn);
    sources.extend(places.map(|layer| layer.place.to_string()));
    sources
}

/// Every key with its value and, as a comment, where that stands.
pub(super) fn effective(layers: &Layers) -> String {
    let place = if layers.profile_is_set {
        "WEAPP_PROFILE"
    } else {
        "built in"
    };
    let mut lines = vec![format!("# profile: {} ({place})", layers.profile.name())];
    let mut entries: Vec<_> = layers.effective().into_iter().collect();
    entries.sort_by_key(|(key, _)| keys::rank(key));
    let mut section = "";
    for (key, (value, place)) in entries {
        let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
        if section != table {
            section = table;
            lines.extend([String::new(), format!("[{table}]")]);
        }
        let line = format!("{name} = {}", shown(key, &value.kind));
        lines.push(format!("{line:<48}  # {place}"));
    }
    lines.join("\n") + "\n"
}

fn shown(key: &str, value: &ValueKind) -> String {
    let path: Vec<&str> = key.split('.').collect();
    let secret = matches!(keys::find(&path), Ok(key) if key.kind.is_secret());
    if let ValueKind::Array(values) = value {
        let values: Vec<String> = values.iter().map(|value| shown(key, &value.kind)).collect();
        return format!("[{}]", values.join(", "));
    }
    let ValueKind::String(text) = value else {
        return value.to_string();
    };
    if text.is_empty() && key.starts_with("apps.") {
        quoted("(not set)")
    } else if secret {
        quoted("***")
    } else {
        quoted(text)
    }
}

/// A TOML text: quotes, backslashes and control characters are escaped.
fn quoted(text: &str) -> String {
    let letters = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\u{:04X}", u32::from(letter)),
        letter => String::from(letter),
    });
    format!("\"{}\"", letters.collect::<String>())
}
