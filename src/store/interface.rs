//! The interface of a store.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::identity::{AppId, KeyedDigest, Subject, UserId};
use crate::session::{
    Block, Device, ProfileChange, Sealed, Session, SessionId, SessionStatus, TokenDigest, User,
};

use crate::store::accounts::{LoginCount, NodeId, Statistics, UserKey, UserPage, UserQuery};
use crate::store::events::{Event, EventRemoval};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey, Version};
use crate::store::people::{
    ConflictPage, ConflictQuery, LateUnionId, Resolution, Resolved, UserIdentity,
};

pub use crate::store::opened::{Migrated, OpenError};

/// The future that a store's method returns.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Keeps users, their sessions and the ledger.
///
/// A write is durable once its reply arrives. An error means that the store does not know the answer; a caller must not
/// treat it as "no such session".
pub trait Store: fmt::Debug + Send + Sync {
    /// Finds or creates the user, ends the session that the login replaces, adds the session, and ends the user's oldest
    /// sessions over the limit, all in one transaction.
    ///
    /// A first login whose unionid another user has is linked: it becomes an identity of that user. If the identity belongs to
    /// another user already, the conflict is recorded.
    ///
    /// If the user is blocked, there is no session: the reply has the user with the block.
    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn>;

    /// Returns the session with this token digest and its user, even if the session has expired.
    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>>;

    /// Returns the status of the session with this token digest, even if the session has expired.
    ///
    /// Called for nearly every request, and the only reply that may come from a cache. Except for the last use, it is
    /// never older than a reply that any node has already sent. The last use may be older, so a session that looks
    /// expired may be live: see [`Store::fresh_status`].
    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>>;

    /// Returns the same as [`Store::session_status`], never from a cache. Another node may have recorded a later use than
    /// the cached one.
    fn fresh_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>>;

    /// Returns all sessions of a user, including expired ones, the latest login first.
    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>>;

    /// Counts the sessions, including expired ones that have not been swept yet.
    ///
    /// Reads all of them, off the calling thread. Meant for metrics, not for requests.
    fn count_sessions(&self) -> Reply<'_, u64>;

    /// Changes a session. Returns `false` if it does not exist: an ended session never comes back.
    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool>;

    /// Ends sessions and returns how many there were.
    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize>;

    /// Returns the identities of a user, the first one first.
    fn identities_of(&self, user: UserId) -> Reply<'_, Vec<UserIdentity>>;

    /// Stores a unionid that arrived after the login. If another user has it, the conflict is recorded. Returns `false` if there
    /// is no such identity.
    fn learn_unionid(&self, late: LateUnionId) -> Reply<'_, bool>;

    /// Lists the conflicts between users, the newest first.
    fn list_conflicts(&self, query: ConflictQuery) -> Reply<'_, ConflictPage>;

    /// Stores a decision about a conflict: merges its two users, or undoes that, and ends the sessions of the identities that
    /// move. The same decision again changes nothing.
    fn resolve_conflict(&self, resolution: Resolution) -> Reply<'_, Resolved>;

    /// Changes a user's profile and returns the user, or `None` if there is no such user.
    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>>;

    /// Keeps a user's phone number in place of an earlier one. Returns `false` if there is no such user.
    fn keep_phone_number(&self, user: UserId, number: KeptNumber) -> Reply<'_, bool>;

    /// Ends all sessions of a user and deletes the user with their profile and all identities, in one transaction. Returns the
    /// ids of the identities, the user's own first; none if there is no such user.
    ///
    /// The next login with the same openid creates a new user.
    fn delete_user(&self, user: UserId) -> Reply<'_, Vec<UserId>>;

    /// Blocks a user and ends all their sessions, in one transaction. Returns the number of sessions, or `None` if there is
    /// no such user. A repeated block replaces the time and the reason.
    fn block_user(&self, user: UserId, block: Block) -> Reply<'_, Option<usize>>;

    /// Lets a user log in again. Returns `false` if there is no such user.
    fn unblock_user(&self, user: UserId) -> Reply<'_, bool>;

    /// Returns the users with these keys.
    fn find_users(&self, key: UserKey) -> Reply<'_, Vec<User>>;

    /// Lists users, the newest first.
    ///
    /// One call reads a limited number of users, so a page may be short, or even empty, although others follow. Takes
    /// milliseconds, off the thread of the caller.
    fn list_users(&self, query: UserQuery) -> Reply<'_, UserPage>;

    /// Returns the numbers of users and sessions, and those of the logins per day since `since`. A session that was not
    /// used within `idle` does not count.
    ///
    /// Takes time proportional to the number of rows, off the thread of the caller.
    fn statistics(
        &self,
        now: Timestamp,
        idle: SignedDuration,
        since: Date,
    ) -> Reply<'_, Statistics>;

    /// Stores the numbers of logins that a node has counted since its start. A repeated call changes nothing, and a smaller
    /// number does not replace a larger one. Removes the numbers of all nodes for days before `keep_since`.
    fn count_logins(
        &self,
        node: NodeId,
        counts: Vec<LoginCount>,
        keep_since: Date,
    ) -> Reply<'_, ()>;

    /// Removes sessions that expired more than a day before `now`, by lifetime or by idleness, and ledger records with
    /// neither a live value nor a live lease. Corrects sessions whose times are more than a day after `now`, so that they
    /// end as if they had begun now.
    ///
    /// Changes nothing while `now` is implausible, and removes no session until the clock has been plausible for a day:
    /// see `store::clock`. One call changes a limited number of rows, so that other writes need not wait for long.
    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, Swept>;

    /// Reads a ledger record, or takes the lease on it if it has no usable value and no other holder.
    ///
    /// Of any number of concurrent callers, one takes the lease. Reading does not wait for writers.
    fn claim(&self, claim: Claim) -> Reply<'_, Claimed>;

    /// Stores a value in a ledger record until `expires_at` and releases the lease. Returns the value's version.
    ///
    /// Returns `None` and changes nothing if the caller no longer holds the lease: it expired, and the record was claimed
    /// by another caller or swept.
    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, Option<Version>>;

    /// Releases the lease on a ledger record, so that the next claim takes it at once. Removes the record if it has no value.
    /// Does nothing unless the caller holds the lease.
    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()>;

    /// Removes a ledger record with its value. Does nothing unless the caller holds the lease.
    fn discard(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()>;

    /// Returns the oldest events of other users than `except`, a limited number, in the order in which a receiver gets them.
    fn events(&self, except: Vec<UserId>) -> Reply<'_, Vec<Event>>;

    /// Counts the events that are not delivered yet. Meant for metrics, not for requests.
    fn count_events(&self) -> Reply<'_, u64>;

    /// Removes events and returns how many there were.
    fn remove_events(&self, removal: EventRemoval) -> Reply<'_, usize>;

    /// Succeeds if a login at `now` could be stored: writes as much as a login does, durably, and leaves nothing behind.
    fn probe(&self, now: Timestamp) -> Reply<'_, ()>;

    /// Completes the pending writes and closes the store. Later calls fail with [`Error::Closed`].
    fn close(&self) -> Reply<'_, ()>;

    /// Upper limit for the duration of one write, after which it has failed.
    fn write_timeout(&self) -> Duration;
}

/// A login to be stored.
#[derive(Debug, Clone)]
pub struct Login {
    /// Identifies the user: a digest of platform, AppID and openid.
    pub subject: Subject,
    /// The sealed openid. Replaces the stored one, which may be sealed under an older secret.
    pub openid: Sealed,
    /// The sealed unionid, if the platform returned one. `None` leaves the stored one.
    pub unionid: Option<Sealed>,
    /// The digests of the unionid, one per key of `user.data_keys`, the current key's first. Empty if the app shares no users.
    pub person: Vec<KeyedDigest>,
    /// The user's id if this is their first login.
    pub user_if_new: UserId,
    /// The mini program that was logged in to.
    pub app: AppId,
    /// Digest of the new token.
    pub digest: TokenDigest,
    /// Public id of the new session.
    pub id: SessionId,
    /// The device that the login came from.
    pub device: Device,
    /// The session keys, newest first, sealed under the new token.
    pub session_keys: Sealed,
    /// Time of the login.
    pub now: Timestamp,
    /// End of the session's lifetime.
    pub expires_at: Timestamp,
    /// Maximum number of sessions per user, including this one.
    pub sessions_per_user: u32,
    /// The session that this one replaces: it ends if it belongs to this user, and is left alone otherwise.
    pub replaces: Option<TokenDigest>,
}

/// A phone number to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNumber {
    /// The sealed number.
    pub sealed: Sealed,
    /// Its digest, by which it is found.
    pub digest: KeyedDigest,
}

/// A change to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// The session was used at this time. A later use that is stored already stays.
    Used(Timestamp),
    /// Replaces the session keys, sealed under the session's token.
    SessionKeys(Sealed),
}

/// Selects the sessions to revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// The session of this token.
    Session(TokenDigest),
    /// The session with this id, if it belongs to this user.
    Id(UserId, SessionId),
    /// All sessions of this user except the one of this token.
    OthersOf(UserId, TokenDigest),
    /// All sessions of this user.
    AllOf(UserId),
}

/// Result of a login. If the user is blocked, it was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The user, found or created.
    pub user: User,
    /// Set when this was the user's first login.
    pub is_new: bool,
}

/// Result of one call of [`Store::sweep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Rows were removed or corrected.
    Rows {
        /// Number of removed sessions.
        sessions: usize,
        /// Set if nothing is left to do, except for what another node is doing at the same time.
        is_last: bool,
    },
    /// The time is implausible, and nothing was changed.
    ClockImplausible {
        /// The latest time that was plausible.
        plausible: Timestamp,
    },
}

/// A store's failure to reply.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The backend failed. The cause is for the log.
    #[error("the store failed")]
    Failed(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}
