//! Every key there is, and what each may hold.
//!
//! Knows the keys' names, kinds and ranges, and what somebody meant who misspelt one.
//! Never knows where a value stands, nor how two values go together.

use config::ValueKind;

use crate::settings::rules::{self, Rule};

/// A key and what it may hold.
#[derive(Debug)]
pub(super) struct Key {
    /// The key's parts, with dots between; `*` stands for an app's name.
    pub(super) path: &'static str,
    /// What it may hold.
    pub(super) kind: Kind,
}

/// What a key may hold.
#[derive(Debug)]
pub(super) enum Kind {
    /// A whole number from the first to the second, both included.
    Number(i64, i64),
    /// `true` or `false`.
    Flag,
    /// A text of which the function says what it must be, if it is not.
    Text(Rule),
    /// Any number of such texts.
    Texts(Rule),
    /// Such a text that no message may show.
    Secret(Rule),
    /// Any number of those.
    Secrets(Rule),
}

/// A path that leads to no key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stray {
    /// There is nothing of this name.
    Unknown {
        /// The path up to the first unknown part.
        key: String,
        /// The key that is spelt most alike.
        nearest: Option<String>,
        /// What there is at this level.
        known: Vec<String>,
    },
    /// It is a group of keys, these.
    Section(Vec<String>),
}

impl Stray {
    /// The same, with what was meant put in other words.
    pub(super) fn map_nearest(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Unknown {
                key,
                nearest,
                known,
            } => Self::Unknown {
                key,
                nearest: nearest.map(words),
                known,
            },
            Self::Section(keys) => Self::Section(keys),
        }
    }
}

const MAX_BODY: i64 = 16 * 1024 * 1024;
const DAY: i64 = 24 * 60 * 60;
const MINUTE_IN_MILLISECONDS: i64 = 60_000;

// The upper bounds of times are our choice: beyond them a unit was mistaken.
const KEYS: &[Key] = &[
    key("server.host", Kind::Text(rules::host)),
    key("server.port", Kind::Number(0, 65_535)),
    key("server.workers", Kind::Number(0, 1_024)),
    key("server.drain_seconds", Kind::Number(0, 3_600)),
    key("server.shutdown_seconds", Kind::Number(0, 3_600)),
    key("server.docs", Kind::Flag),
    key("log.format", Kind::Text(rules::not_empty)),
    key("log.level", Kind::Text(rules::level)),
    key("log.targets", Kind::Texts(rules::target)),
    key("log.style", Kind::Text(rules::style)),
    key("log.skip", Kind::Texts(rules::path)),
    key("json.limit", Kind::Number(1, MAX_BODY)),
    key("json.strict", Kind::Flag),
    key("json.refuse_other_types", Kind::Flag),
    key("json.inflate", Kind::Flag),
    key("json.body_timeout_seconds", Kind::Number(1, 3_600)),
    key("session.lifetime_seconds", Kind::Number(60, 3_660 * DAY)),
    key("session.idle_seconds", Kind::Number(2, 3_660 * DAY)),
    key("session.touch_seconds", Kind::Number(1, 3_660 * DAY)),
    key("session.per_user", Kind::Number(1, 1_000)),
    key("session.key_generations", Kind::Number(1, 10)),
    key("store.url", Kind::Text(rules::store_url)),
    key("wechat.base_url", Kind::Text(rules::base_url)),
    key(
        "wechat.connect_timeout_milliseconds",
        Kind::Number(1, MINUTE_IN_MILLISECONDS),
    ),
    key(
        "wechat.timeout_milliseconds",
        Kind::Number(1, MINUTE_IN_MILLISECONDS),
    ),
    key("wechat.watermark_seconds", Kind::Number(1, DAY)),
    key("metrics.enabled", Kind::Flag),
    key("metrics.host", Kind::Text(rules::host)),
    key("metrics.port", Kind::Number(0, 65_535)),
    key("metrics.path", Kind::Text(rules::metrics_path)),
    key("gateway.disclose_openid", Kind::Flag),
    key("gateway.service_keys", Kind::Secrets(rules::service_key)),
    key("apps.*.app_id", Kind::Text(rules::app_id)),
    key("apps.*.app_secret", Kind::Secret(rules::app_secret)),
];

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind }
}

impl Kind {
    /// Whether no message may show what the key holds.
    pub(super) fn is_secret(&self) -> bool {
        match self {
            Self::Secret(_) | Self::Secrets(_) => true,
            Self::Number(..) | Self::Flag | Self::Text(_) | Self::Texts(_) => false,
        }
    }

    /// Says what a value must be, if it is not.
    pub(super) fn objection(&self, value: &ValueKind) -> Option<String> {
        let text = |rule: &Rule, value: &ValueKind| {
            if let ValueKind::String(text) = value {
                rule(text).map(String::from)
            } else {
                Some(String::from("a text in quotes"))
            }
        };
        match (self, value) {
            (Self::Number(least, _), ValueKind::I64(number)) if number < least => {
                Some(format!("at least {least}"))
            }
            (Self::Number(_, most), ValueKind::I64(number)) if number > most => {
                Some(format!("at most {most}"))
            }
            (Self::Number(..), ValueKind::I64(_)) | (Self::Flag, ValueKind::Boolean(_)) => None,
            (Self::Number(..), _) => Some(String::from("a whole number")),
            (Self::Flag, _) => Some(String::from("true or false")),
            (Self::Text(rule) | Self::Secret(rule), value) => text(rule, value),
            (Self::Texts(rule) | Self::Secrets(rule), ValueKind::Array(values)) => {
                values.iter().find_map(|value| text(rule, &value.kind))
            }
            (Self::Texts(_) | Self::Secrets(_), _) => Some(String::from("a list of texts")),
        }
    }
}

/// What cannot be a key, because it decides which files are read.
const VARIABLES_ONLY: &[(&str, &str)] = &[
    ("profile", "WEAPP_PROFILE"),
    ("config_dir", "WEAPP_CONFIG_DIR"),
];

/// Finds the key that a path leads to.
///
/// # Errors
/// [`Stray`] if there is none.
pub(super) fn find(path: &[&str]) -> Result<&'static Key, Stray> {
    let mut keys: Vec<&'static Key> = KEYS.iter().collect();
    for (depth, part) in path.iter().enumerate() {
        let level = names(&keys, depth);
        keys.retain(|key| {
            key.part(depth)
                .is_some_and(|name| name == "*" || name == *part)
        });
        if keys.is_empty() {
            let (parents, rest) = path.split_at(depth);
            return Err(unknown(parents, rest, &level));
        }
    }
    match keys.as_slice() {
        [key] if key.part(path.len()).is_none() => Ok(key),
        section => Err(Stray::Section(names(section, path.len()))),
    }
}

/// Where a key stands in the shipped file; the apps come last, by name.
pub(super) fn rank(path: &str) -> (usize, &str) {
    match KEYS.iter().position(|key| key.path == path) {
        Some(position) => (position, ""),
        None => (KEYS.len(), path),
    }
}

/// The paths of all keys.
#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.path)
}

impl Key {
    fn part(&self, depth: usize) -> Option<&'static str> {
        self.path.split('.').nth(depth)
    }
}

fn names(keys: &[&'static Key], depth: usize) -> Vec<String> {
    let mut names: Vec<String> = keys
        .iter()
        .filter_map(|key| key.part(depth))
        .map(String::from)
        .collect();
    names.dedup();
    names
}

fn unknown(parents: &[&str], rest: &[&str], level: &[String]) -> Stray {
    let wrong = rest.first().copied().unwrap_or_default();
    let full = |name: &str| [parents, &[name]].concat().join(".");
    let alike = level
        .iter()
        .map(|name| (distance(name, wrong), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(2) && *distance < name.len());
    let whole = [parents, rest].concat().concat();
    let variable = |(name, _): &&(&str, &str)| parents.is_empty() && distance(name, wrong) <= 2;
    let meant = if level.is_empty() {
        // The path goes on below a key.
        Some(parents.join("."))
    } else if let Some((_, variable)) = VARIABLES_ONLY.iter().find(variable) {
        Some(String::from(*variable))
    } else {
        by_path(|path| bare(path) == bare(&whole))
            .or_else(|| alike.min().map(|(_, name)| full(name)))
            .or_else(|| by_path(|path| path.rsplit('.').next() == Some(wrong)))
    };
    Stray::Unknown {
        key: full(wrong),
        nearest: meant,
        known: level.iter().map(|name| full(name)).collect(),
    }
}

fn by_path(matches: impl Fn(&str) -> bool) -> Option<String> {
    let mut paths = KEYS.iter().map(|key| key.path);
    paths
        .find(|path| matches(path))
        .map(|path| path.replace('*', "main"))
}

/// A name without what separates its parts, in which variables and keys are often confused.
fn bare(name: &str) -> String {
    name.replace(['.', '_'], "")
}

/// How many letters must be added, left out or changed to get from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut next = vec![above + 1];
        for ((wanted, diagonal), upper) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            let changed = diagonal + usize::from(letter != *wanted);
            next.push(changed.min(upper + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
