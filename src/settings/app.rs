//! The settings of an app: `[apps.<name>]`.

use serde::Deserialize;

use crate::identity::{AppId, AppSecret, PlatformName};
use crate::settings::rules;
use crate::settings::values::AppKind;

/// A mini program, website or official account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Platform that the mini program belongs to.
    pub platform: PlatformName,
    /// Kind of the app.
    pub kind: AppKind,
    /// URLs of the pages to which a web login may redirect.
    #[serde(deserialize_with = "rules::redirects")]
    pub redirects: Vec<String>,
    /// Name of the Open Platform account whose apps share users. Empty if the app shares none.
    #[serde(deserialize_with = "rules::open_platform")]
    pub open_platform: String,
    /// AppID of the mini program.
    #[serde(deserialize_with = "rules::app_id")]
    pub app_id: AppId,
    /// AppSecret of the mini program.
    #[serde(deserialize_with = "rules::app_secret")]
    pub app_secret: AppSecret,
}
