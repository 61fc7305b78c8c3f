//! A mini program: AppID, AppSecret and Open Platform account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identifiers::Identifiers;

/// A mini program.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The AppID.
    #[serde(rename = "app_id")]
    pub id: String,
    /// The AppSecret.
    #[serde(rename = "app_secret")]
    pub secret: String,
    /// The Open Platform account that the app belongs to. Apps of one account share unionids; without an account there are
    /// none.
    #[serde(default)]
    pub open_platform: Option<String>,
}

impl App {
    /// An app whose AppID and AppSecret are derived from the seed and the name, without an Open Platform account.
    pub fn named(seed: u64, name: &str) -> Self {
        let identifiers = Identifiers::new(seed);
        Self {
            id: identifiers.app_id(name),
            secret: identifiers.app_secret(name),
            open_platform: None,
        }
    }

    /// Adds the app to the Open Platform account with this name.
    #[must_use]
    pub fn with_open_platform(self, account: &str) -> Self {
        let open_platform = Some(account.to_owned());
        Self {
            open_platform,
            ..self
        }
    }
}

/// Omits the AppSecret.
impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("open_platform", &self.open_platform)
            .finish_non_exhaustive()
    }
}
