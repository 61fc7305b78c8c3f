//! A stored user and the profile that the user chose to show.

use jiff::Timestamp;

use crate::identity::{AppId, Subject, UserId};
use crate::session::seal::Sealed;

/// A stored user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Random internal id: the same at every login of this user in this mini program.
    pub id: UserId,
    /// Digest of the platform, the AppID and the openid.
    pub subject: Subject,
    /// The openid, sealed under the mini program's AppSecret.
    pub openid: Sealed,
    /// The unionid, sealed in the same way, once the platform has sent one.
    pub unionid: Option<Sealed>,
    /// Time of the first login.
    pub created_at: Timestamp,
    /// Profile that the user chose to show.
    pub profile: Profile,
    /// The mini program. `None` for a user whose last login was stored by a version that did not record it.
    pub app: Option<AppId>,
    /// Set while an operator blocks the user. Such a user has no sessions, and no login creates one.
    pub block: Option<Block>,
    /// The phone number, sealed under a key of `user.data_keys`, if it is kept.
    pub phone_number: Option<Sealed>,
}

/// An operator's block of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Time of the block.
    pub at: Timestamp,
    /// The reason, for other operators.
    pub reason: Option<String>,
}

/// A user's public profile. Stored in plaintext: it is no secret, and operators must be able to review it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Nickname.
    pub nickname: Option<String>,
    /// Address of the picture.
    pub avatar_url: Option<String>,
}

/// A change to a profile, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileChange {
    /// Change of the nickname.
    pub nickname: Change,
    /// Change of the picture's address.
    pub avatar_url: Change,
}

/// A change to one text field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change {
    /// Leaves the field as it is.
    #[default]
    Keep,
    /// Removes the value.
    Clear,
    /// Sets the value.
    Set(String),
}
