//! The identities of one person in several apps, and the conflicts between users who are probably one person.

use jiff::Timestamp;

use crate::identity::{AppId, KeyedDigest, Subject, UserId};
use crate::session::{Profile, Sealed};

/// An identity of a user: an openid in one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// Id of the identity. That of a user's first identity is the user's id.
    pub id: UserId,
    /// Digest of the platform, the AppID and the openid.
    pub subject: Subject,
    /// The openid, sealed under the app's AppSecret.
    pub openid: Sealed,
    /// The unionid, sealed in the same way, once it is known.
    pub unionid: Option<Sealed>,
    /// The app. `None` for an identity whose last login was stored by a version that did not record it.
    pub app: Option<AppId>,
    /// Time of the first login with this identity.
    pub created_at: Timestamp,
    /// The profile. That of an identity that was a user before a merge is kept, so that the merge can be undone.
    pub profile: Profile,
    /// The phone number, kept in the same way, sealed for the user with the id of the identity.
    pub phone_number: Option<Sealed>,
}

/// A unionid that arrived after the login.
#[derive(Debug, Clone)]
pub struct LateUnionId {
    /// The identity that it belongs to.
    pub subject: Subject,
    /// The sealed unionid.
    pub unionid: Sealed,
    /// The digests of a unionid that the platform sent to the server, one per key of `user.data_keys`, the current key's first.
    /// Empty if the app shares no users. `None` if a client may have forged the unionid: it then replaces no stored one, links no
    /// login and finds no conflict.
    pub proof: Option<Vec<KeyedDigest>>,
    /// Time of its arrival.
    pub now: Timestamp,
}

/// Two users who are probably one person: they have the same unionid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserConflict {
    /// The user who had the unionid first. After a merge, the user that both have become.
    pub kept: UserId,
    /// The other user.
    pub other: UserId,
    /// Time when the conflict was found.
    pub found_at: Timestamp,
    /// The operator's decision. `None` while the conflict is open.
    pub decision: Option<Decision>,
    /// Time of the decision.
    pub decided_at: Option<Timestamp>,
}

/// An operator's decision about a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The two are one person, and have become one user.
    Merged,
    /// The two stay apart.
    Apart,
}

/// Selects a page of conflicts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConflictQuery {
    /// Only conflicts of the user with this id, and of all who were merged into the same user.
    pub user: Option<UserId>,
    /// If `true`, only conflicts without a decision.
    pub only_open: bool,
    /// The end of the previous page.
    pub after: Option<ConflictPosition>,
    /// Maximum number of conflicts on the page.
    pub limit: u8,
}

/// A position in the list of conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictPosition {
    /// Time when the conflict there was found.
    pub found_at: Timestamp,
    /// Its first user.
    pub kept: UserId,
    /// Its second user.
    pub other: UserId,
}

/// A page of conflicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictPage {
    /// The conflicts, the newest first.
    pub conflicts: Vec<UserConflict>,
    /// The position after which the next page begins. `None` on the last page.
    pub next: Option<ConflictPosition>,
}

/// A decision about a conflict, to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// The user that stays, if the two are merged. The order of the two does not matter otherwise.
    pub kept: UserId,
    /// The other user.
    pub other: UserId,
    /// The decision. `None` opens the conflict again, and undoes a merge.
    pub decision: Option<Decision>,
    /// Time of the decision.
    pub now: Timestamp,
}

/// Result of a [`Resolution`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// The decision is stored.
    Done {
        /// Number of sessions that ended: those of the identities that now belong to another user.
        ended: usize,
    },
    /// There is no such conflict.
    NotFound,
    /// One of the two users is blocked. Nothing was changed: a merge, or its undoing, would lift the block or spread it.
    Blocked,
    /// A later merge has joined another user to one that would be separated. Nothing was changed: the later one is undone first.
    HasLaterMerge,
}

impl Decision {
    /// Returns the text that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Apart => "apart",
        }
    }

    /// Returns the decision with this stored text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Merged, Self::Apart]
            .into_iter()
            .find(|decision| decision.as_str() == text)
    }
}

impl ConflictPage {
    /// Cuts `conflicts`, of which there may be one more than the limit, into a page.
    pub(super) fn of(mut conflicts: Vec<UserConflict>, limit: u8) -> Self {
        let is_full = conflicts.len() > usize::from(limit);
        conflicts.truncate(limit.into());
        let last = conflicts.last().map(|conflict| ConflictPosition {
            found_at: conflict.found_at,
            kept: conflict.kept,
            other: conflict.other,
        });
        Self {
            next: last.filter(|_last| is_full),
            conflicts,
        }
    }
}
