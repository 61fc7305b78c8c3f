//! Searches for users, and the numbers of users, sessions and logins.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::identity::{AppId, KeyedDigest, Subject, UserId};
use crate::session::User;

/// A key by which users are found. One that belongs to an identity finds the user who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserKey {
    /// The user with this id, or with an identity of this id.
    Id(UserId),
    /// The users with these subjects: those of one openid in several mini programs.
    Subjects(Vec<Subject>),
    /// The users who keep a phone number with one of these digests, each under another key.
    PhoneNumber(Vec<KeyedDigest>),
    /// The users who have a unionid with one of these digests, each under another key.
    Person(Vec<KeyedDigest>),
}

/// Selects a page of users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserQuery {
    /// Only users of this mini program.
    pub app: Option<AppId>,
    /// Only users whose nickname contains this text.
    pub nickname: Option<String>,
    /// Only users whose first login was at this time or later.
    pub created_since: Option<Timestamp>,
    /// If `true`, only blocked users.
    pub blocked: bool,
    /// The end of the previous page.
    pub after: Option<UserPosition>,
    /// Maximum number of users on the page.
    pub limit: u8,
    /// Maximum number of users that the call reads to find those that match.
    pub window: u16,
}

/// A position in the list of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserPosition {
    /// Time of the first login of the user there.
    pub created_at: Timestamp,
    /// Id of that user.
    pub id: UserId,
}

/// A page of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users, the newest first.
    pub users: Vec<User>,
    /// The position after which the next page begins. `None` on the last page.
    pub next: Option<UserPosition>,
}

/// The numbers of users, sessions and logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Number of users, those that are blocked included. May be an estimate if there are millions.
    pub users: u64,
    /// Number of blocked users.
    pub blocked_users: u64,
    /// Number of live sessions. May be an estimate if there are millions.
    pub sessions: u64,
    /// Logins by day and mini program, in this order. A day without a login is absent.
    pub logins: Vec<LoginCount>,
}

/// The number of logins of one day in one mini program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCount {
    /// The day, in UTC.
    pub day: Date,
    /// The mini program.
    pub app: AppId,
    /// Number of logins.
    pub logins: u64,
}

/// Identifies one run of a process. No other writes its numbers, so that nodes never wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(pub [u8; 16]);

impl UserPosition {
    /// The position of a user.
    pub(super) fn of(user: &User) -> Self {
        Self {
            created_at: user.created_at,
            id: user.id,
        }
    }
}

impl UserPage {
    /// Cuts `users`, of which there may be one more than the limit, into a page. `end` is the last user of a full window.
    pub(super) fn of(mut users: Vec<User>, limit: u8, end: Option<UserPosition>) -> Self {
        let is_full = users.len() > usize::from(limit);
        users.truncate(limit.into());
        let last = users.last().map(UserPosition::of);
        Self {
            next: if is_full { last } else { end },
            users,
        }
    }
}
