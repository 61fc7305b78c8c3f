//! The settings of the log.
//!
//! Knows each setting's name and type, and how a target with its level is written.
//! Never knows layers, files or variables.

use log::LevelFilter;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// What is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The name of an access log format or a template of morgan's tokens; not yet judged.
    pub format: String,
    /// How much is logged beside the access log.
    #[serde(deserialize_with = "level")]
    pub level: LevelFilter,
    /// Targets with levels of their own; the last one that fits counts.
    #[serde(deserialize_with = "targets")]
    pub targets: Vec<LogTarget>,
    /// For people or for machines.
    pub style: LogStyle,
    /// Paths that the access log leaves out.
    pub skip: Vec<String>,
}

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

fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LevelFilter, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

fn targets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LogTarget>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let targets = texts.iter().map(|text| log_target(text));
    let targets: Option<_> = targets.collect();
    targets.ok_or_else(|| D::Error::custom("no target and level"))
}
