//! What is logged of which part of the program, and in which style.
//!
//! Knows how `RUST_LOG` writes levels. Never knows where lines go.

use ::log::LevelFilter;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A level for the lines of one part of the program, as in `weapp_login::store=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTarget {
    /// The path that the targets begin with; without one, the level is for our own crate, as `log.level` is.
    pub name: Option<String>,
    /// How much is logged of it.
    pub level: LevelFilter,
}

/// What a log line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStyle {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Takes `target=level`, `level` alone, or `target` alone for all of it, as `RUST_LOG` does.
pub(super) fn log_target(text: &str) -> Option<LogTarget> {
    let (name, level) = match text.trim().split_once('=') {
        Some((name, level)) => (Some(name), level.parse().ok()?),
        None => match text.trim().parse() {
            Ok(level) => (None, level),
            Err(_no_level) => (Some(text.trim()), LevelFilter::Trace),
        },
    };
    let of_a_path = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte);
    let sound = name.is_none_or(|name| !name.is_empty() && name.bytes().all(of_a_path));
    sound.then(|| LogTarget {
        name: name.map(str::to_owned),
        level,
    })
}

pub(super) fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LevelFilter, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

pub(super) fn targets<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<LogTarget>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let targets = texts.iter().map(|text| log_target(text));
    let targets: Option<_> = targets.collect();
    targets.ok_or_else(|| D::Error::custom("no target and level"))
}
