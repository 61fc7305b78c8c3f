//! Apps and users in a file: a simulator starts with them, and exports them, so that people and ids survive a restart.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::fixed_ids::Ids;

/// Apps and users that a simulator starts with. Everything that is missing is derived from the seed.
///
/// ```
/// # use wechat_simulator::SavedState;
/// let state = SavedState::from_toml(
///     "[users.mei]
///      phone_number = '13580006666'
///      openid = 'oGZUI0egBJY1zhBYw2KhdUfwVJJE'",
/// );
/// assert!(state.is_ok());
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedState {
    /// The seed of all identifiers, if the file has one. It replaces no seed of the options: the caller decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The apps. If there are none, those of the options are used.
    #[serde(default)]
    pub apps: Vec<App>,
    /// The users by name.
    #[serde(default)]
    pub users: BTreeMap<String, SavedUser>,
}

/// A user in a file.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SavedUser {
    /// The phone number, without the country code.
    pub phone_number: Option<String>,
    /// The country code, without `+`.
    pub country_code: Option<String>,
    /// The nickname.
    pub nickname: Option<String>,
    /// The picture.
    pub avatar_url: Option<String>,
    /// If `true`, logins get error 40226.
    pub blocked: Option<bool>,
    /// The rank of getUserRiskRank, from 0 to 4.
    pub risk_rank: Option<u8>,
    /// The openid in the first app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<String>,
    /// The unionid in the Open Platform account of the first app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
    /// The openids by AppID.
    pub openids: BTreeMap<String, String>,
    /// The unionids by Open Platform account.
    pub unionids: BTreeMap<String, String>,
}

/// A saved state cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedStateError {
    /// The file cannot be read.
    #[error("`{0}` cannot be read: {1}")]
    File(PathBuf, #[source] io::Error),
    /// The text is not TOML, or has unknown or wrong fields.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// The text is not JSON, or has unknown or wrong fields.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Two users have the same id, or an id is empty.
    #[error("the id of `{0}` is empty, or that of another user")]
    Id(String),
}

impl SavedState {
    /// Reads a file: JSON if its name ends with `.json`, else TOML.
    ///
    /// # Errors
    /// [`SavedStateError`] if the file cannot be read, or its content is invalid.
    pub fn read(file: &Path) -> Result<Self, SavedStateError> {
        let text = fs::read_to_string(file);
        let text = text.map_err(|error| SavedStateError::File(file.to_owned(), error))?;
        let is_json = file
            .extension()
            .is_some_and(|extension| extension == "json");
        if is_json {
            Self::from_json(&text)
        } else {
            Self::from_toml(&text)
        }
    }

    /// Parses TOML.
    ///
    /// # Errors
    /// [`SavedStateError::Toml`] if the text is invalid.
    pub fn from_toml(text: &str) -> Result<Self, SavedStateError> {
        Ok(toml::from_str(text)?)
    }

    /// Parses JSON, for example an export.
    ///
    /// # Errors
    /// [`SavedStateError::Json`] if the text is invalid.
    pub fn from_json(text: &str) -> Result<Self, SavedStateError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Returns the ids by their scope, an AppID or an Open Platform account, and the name of the user.
    pub(crate) fn ids(&self, first_app: Option<&App>) -> Result<Ids, SavedStateError> {
        let mut ids = Ids::default();
        let taken = |name: &str| SavedStateError::Id(name.to_owned());
        for (name, user) in &self.users {
            let first_id = first_app.map(|app| &app.id).zip(user.openid.as_ref());
            let account = first_app.and_then(|app| app.open_platform.as_ref());
            let first_unionid = account.zip(user.unionid.as_ref());
            for (app_id, openid) in user.openids.iter().chain(first_id) {
                if !ids.openids.add(app_id, name, openid) {
                    return Err(taken(name));
                }
            }
            for (account, unionid) in user.unionids.iter().chain(first_unionid) {
                if !ids.unionids.add(account, name, unionid) {
                    return Err(taken(name));
                }
            }
        }
        Ok(ids)
    }
}

/// Omits all values: phone numbers and AppSecrets.
impl fmt::Debug for SavedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedState")
            .field("apps", &self.apps.len())
            .field("users", &self.users.len())
            .finish_non_exhaustive()
    }
}

/// Omits all values.
impl fmt::Debug for SavedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedUser").finish_non_exhaustive()
    }
}
