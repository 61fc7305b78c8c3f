//! Turns what was found into problems, and masks what no message may show.
//!
//! Knows which values are secrets, and that a secret may stand where it does not belong.
//! Never knows how a value was read.

use config::ValueKind;

use crate::settings::error::{Place, Problem};
use crate::settings::keys::{Key, Kind, Stray};

/// As many hexadecimal digits in a row as an AppSecret has are taken for one.
const SECRET_DIGITS: usize = 32;
/// How much of a value a message shows. Our choice: one line of a terminal.
const MAX_SHOWN: usize = 80;

/// A value that its key may not hold; the hint comes later, when the defaults are known.
pub(super) fn wrong_value(
    place: &Place,
    path: &[&str],
    key: &Key,
    must: String,
    value: &ValueKind,
) -> Problem {
    Problem::WrongValue {
        place: place.clone(),
        key: path.join("."),
        must,
        got: got(&key.kind, value),
        hint: None,
    }
}

/// A path that leads to no key.
pub(super) fn stray(place: &Place, path: &[&str], stray: Stray) -> Problem {
    let place = place.clone();
    match stray {
        Stray::Unknown {
            key,
            nearest,
            known,
        } => Problem::UnknownKey {
            place,
            key: masked(&key),
            nearest,
            known,
        },
        Stray::Section(names) => Problem::WrongValue {
            place,
            key: path.join("."),
            must: if names == ["*"] {
                String::from("tables, one for each mini program")
            } else {
                format!("a table with {}", names.join(", "))
            },
            got: String::from("a single value"),
            hint: None,
        },
    }
}

/// An app with a name that it may not bear.
pub(super) fn app_name(place: &Place, name: &str) -> Problem {
    Problem::WrongValue {
        place: place.clone(),
        key: String::from("apps"),
        must: String::from("tables named in lower-case letters, digits, `-` and single `_`"),
        got: shown(name),
        hint: None,
    }
}

/// A text in quotation marks, on one line, not endless, and masked where it may be a secret.
pub(super) fn shown(text: &str) -> String {
    let masked = masked(text);
    if masked.starts_with(MASK) {
        masked
    } else {
        format!("`{masked}`")
    }
}

/// The same without quotation marks.
pub(super) fn masked(text: &str) -> String {
    let runs = text.split(|letter: char| !letter.is_ascii_hexdigit());
    if text.contains('@') || runs.map(str::len).max() >= Some(SECRET_DIGITS) {
        return mask(text);
    }
    let letters = text.chars().take(MAX_SHOWN).map(|letter| match letter {
        '\'' | '"' => String::from(letter),
        letter => letter.escape_debug().to_string(),
    });
    let dots = if text.chars().nth(MAX_SHOWN).is_some() {
        "…"
    } else {
        ""
    };
    letters.collect::<String>() + dots
}

const MASK: &str = "***";

fn mask(text: &str) -> String {
    format!("{MASK} ({} characters)", text.chars().count())
}

fn got(kind: &Kind, value: &ValueKind) -> String {
    match (kind, value) {
        (Kind::Secret(_) | Kind::Secrets(_), ValueKind::String(text)) => mask(text),
        (Kind::Secret(_), _) => String::from(MASK),
        (_, ValueKind::String(text)) => shown(text),
        (_, ValueKind::Table(_)) => String::from("a table"),
        (kind, ValueKind::Array(values)) => {
            let values: Vec<String> = values.iter().map(|value| got(kind, &value.kind)).collect();
            format!("[{}]", values.join(", "))
        }
        (Kind::Secrets(_), _) => String::from(MASK),
        (_, other) => other.to_string(),
    }
}
