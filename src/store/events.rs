//! The outbox: events about users and sessions. Each is stored in the transaction of the change that it describes, and stays
//! until it is delivered.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::identity::{AppId, UserId};
use crate::session::SessionId;

/// Maximum number of events that [`Store::events`](crate::store::Store::events) returns.
pub(super) const PAGE: u8 = 200;

/// Maximum number of events that one call removes because of their age.
pub(super) const BATCH: u16 = 1000;

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place: of two events of a user, the earlier one has the smaller number.
    pub position: i64,
    /// Its id, which stays the same if it is delivered again.
    pub id: [u8; 16],
    /// The kind, such as `user.created`. A text, because another node may run another version.
    pub kind: String,
    /// The user.
    pub user: UserId,
    /// The mini program, if it is known.
    pub app: Option<AppId>,
    /// The session that ended.
    pub session: Option<SessionId>,
    /// The reason why it ended, such as `logout`.
    pub reason: Option<String>,
    /// The user that the user was merged into, or separated from.
    pub other_user: Option<UserId>,
    /// Time of the change, by the clock of the database or, for SQLite, of its machine.
    pub at: Timestamp,
}

/// The users whose events wait, while the events are read in their order.
pub(super) struct Waiting(HashSet<UserId>);

impl Waiting {
    /// Begins with these users.
    pub(super) fn new(users: &[UserId]) -> Self {
        Self(users.iter().copied().collect())
    }

    /// Returns `true` if an event must wait. An event about two users waits for the earlier events of both, and the later ones of
    /// both wait for it.
    pub(super) fn holds_up(&mut self, event: &Event) -> bool {
        let users = [Some(event.user), event.other_user];
        let waits = users.iter().flatten().any(|user| self.0.contains(user));
        if waits {
            self.0.extend(users.into_iter().flatten());
        }
        waits
    }
}

/// Selects the events to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventRemoval {
    /// These, by their position.
    At(Vec<i64>),
    /// The oldest ones before this time, as many as a short transaction can remove.
    Before(Timestamp),
}

/// The reason why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndReason {
    /// The user logged out.
    Logout,
    /// The user or an operator ended it from elsewhere.
    Revoked,
    /// A new login took its place.
    Replaced,
    /// The user had more sessions than allowed, and it was the oldest.
    Limit,
    /// An operator blocked the user.
    Blocked,
    /// The user was deleted.
    Deleted,
    /// The user was merged into another one.
    Merged,
    /// The merge of the user with another one was undone.
    Separated,
}

impl EndReason {
    /// Returns the reason as receivers see it. The statements of PostgreSQL have the same texts.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Limit => "limit",
            Self::Blocked => "blocked",
            Self::Deleted => "deleted",
            Self::Merged => "merged",
            Self::Separated => "separated",
        }
    }
}
