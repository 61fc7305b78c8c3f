//! The types of values that only settings have.

use log::LevelFilter;
use serde::Deserialize;

/// The profile. `WEAPP_PROFILE` selects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// For a developer's machine: received bodies are logged, and WeChat may be simulated.
    Development,
    /// For real users.
    Production,
}

impl Profile {
    /// Parses the name, as in `WEAPP_PROFILE`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let mut profiles = [Self::Development, Self::Production].into_iter();
        profiles.find(|profile| profile.name() == name)
    }

    /// Returns the name, as in `WEAPP_PROFILE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// A login platform, as in `apps.<name>.platform`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PlatformName {
    /// WeChat mini programs.
    Wechat,
}

impl PlatformName {
    /// Returns the name, as in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wechat => "wechat",
        }
    }
}

/// Format of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStyle {
    /// Text.
    Text,
    /// One JSON object per line.
    Json,
}

/// The level of a log target, as in `weapp_login::store=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTarget {
    /// Prefix of the target; `None` means this crate, as `log.level` does.
    pub name: Option<String>,
    /// Its level.
    pub level: LevelFilter,
}
