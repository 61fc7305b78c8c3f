//! Whose a session is: the user as they are kept, and what they say about themselves.
//!
//! Knows which of it is sealed. Never knows what a nickname may be, or where users are kept.

use jiff::Timestamp;

use crate::identity::{Subject, UserId};
use crate::session::Sealed;

/// A user as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Ours, random, the same for every login of this user in this mini program.
    pub id: UserId,
    /// Who it is to WeChat, as a digest.
    pub subject: Subject,
    /// The openid, sealed under the mini program's secret.
    pub openid: Sealed,
    /// The unionid, sealed likewise, once WeChat has given one.
    pub unionid: Option<Sealed>,
    /// When the user first logged in.
    pub created_at: Timestamp,
    /// What the user chose to show.
    pub profile: Profile,
}

/// What a user chose to show to others. Kept in the clear: it is no secret, and an operator has to be able to look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// What the user wants to be called.
    pub nickname: Option<String>,
    /// Where their picture is.
    pub avatar_url: Option<String>,
}

/// What is to become of each part of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileChange {
    /// What is to become of the nickname.
    pub nickname: Change,
    /// What is to become of the picture's address.
    pub avatar_url: Change,
}

/// What is to become of one text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change {
    /// It stays as it is.
    #[default]
    Keep,
    /// There is to be none.
    Clear,
    /// It is to be this one.
    Set(String),
}
