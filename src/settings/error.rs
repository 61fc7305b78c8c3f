//! Errors in the settings. Each names the file or variable, the setting, the value and the fix.

use config::ValueKind;

/// All problems of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(|problem| &*problem.message).collect::<Vec<_>>().join("\n"))]
pub struct Error {
    /// The problems; at least one.
    pub problems: Vec<Problem>,
}

/// One problem of the settings. Secrets in it are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The settings that the problem is about; none if it may affect all, as an unreadable file does.
    pub(super) keys: Vec<String>,
    /// A sentence that names the origin, the setting and the value, and the fix on a second line.
    pub message: String,
}

impl Problem {
    pub(super) fn new(keys: &[&str], message: impl Into<String>) -> Self {
        let keys = keys.iter().map(|key| masked_key(key)).collect();
        let message = message.into();
        Self { keys, message }
    }

    /// Adds a hint, if there is one.
    pub(super) fn hint(mut self, hint: &str) -> Self {
        if !hint.is_empty() {
            self.message = format!("{}\n  hint: {hint}", self.message);
        }
        self
    }

    /// Returns `true` if the other problem may be a consequence of this one.
    pub(super) fn may_cause(&self, other: &Self) -> bool {
        let related = |key: &String| {
            let mut others = other.keys.iter();
            others.any(|other| other.starts_with(key) || key.starts_with(other))
        };
        self.keys.is_empty() || self.keys.iter().any(related)
    }
}

/// Returns `true` if the values of a key are secrets. Its name decides.
pub(super) fn is_secret(key: &str) -> bool {
    let mut endings = ["secret", "_key", "_keys", ".keys", "password", "token"].into_iter();
    endings.any(|ending| key.ends_with(ending))
}

/// Formats a value as TOML. Secrets are masked.
pub(super) fn shown(key: &str, value: &ValueKind) -> String {
    if let ValueKind::Array(items) = value {
        let items: Vec<_> = items.iter().map(|item| shown(key, &item.kind)).collect();
        format!("[{}]", items.join(", "))
    } else if let ValueKind::String(text) = value {
        let is_secret = is_secret(key) && !text.is_empty();
        if is_secret { mask(text) } else { escape(text) }
    } else if let ValueKind::Table(_) = value {
        String::from("a table")
    } else if is_secret(key) {
        String::from("***")
    } else {
        value.to_string()
    }
}

/// Formats a text as TOML. It is masked if it may contain a secret: a password in a URL, or as many hexadecimal digits as an
/// AppSecret has.
pub(super) fn escape(text: &str) -> String {
    let mut words = text.split(|letter: char| !letter.is_ascii_hexdigit());
    if may_have_password(text) || words.any(|word| word.len() >= 32) {
        return mask(text);
    }
    let letters = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\u{:04X}", u32::from(letter)),
        letter => String::from(letter),
    });
    format!("\"{}\"", letters.collect::<String>())
}

/// Returns a key, masked if it may contain a secret.
pub(super) fn masked_key(key: &str) -> String {
    escape(key).trim_matches('"').to_owned()
}

/// Returns `false` for the URL of a database with a user and no password, which may be shown.
pub(super) fn may_have_password(text: &str) -> bool {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let user = rest.rsplit_once('@').map_or(":", |(user, _)| user);
    let is_database = scheme.starts_with("postgres") && !user.contains(':');
    text.contains("password=") || text.contains('@') && !is_database
}

/// Masks a text, but names the place of a blank, which is easily copied with a secret.
fn mask(text: &str) -> String {
    let is_blank =
        |letter: &char| *letter == '\u{feff}' || letter.is_whitespace() || letter.is_control();
    let blank = text.chars().position(|letter| is_blank(&letter));
    let blank = blank.map(|place| format!(", of which number {} is a blank", place + 1));
    format!(
        "\"*** ({} characters{})\"",
        text.chars().count(),
        blank.unwrap_or_default()
    )
}
