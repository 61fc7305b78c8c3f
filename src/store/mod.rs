//! How users and sessions are kept: one trait in domain words, one folder per backend behind it.
//!
//! Knows what must be kept together, and what a caller may rely on once an answer came.
//! Never knows WeChat, HTTP or a secret in the clear; a backend knows no other backend.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::identity::{AppId, Subject, UserId};
use crate::session::{
    Device, ProfileChange, Sealed, Session, SessionId, SessionStatus, TokenDigest, User,
};

#[cfg(test)]
mod contract;
mod ledger;
mod sqlite;

pub use ledger::{Claim, Claimed, Holder, LedgerKey, Version};
pub use sqlite::{OpenError, Problem};

/// What a store's method gives back: an answer later, or the reason why there is none.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Keeps users and sessions.
///
/// A write is durable when it is answered. Every error means that the store does not know: no caller may read it as
/// "no such session".
pub trait Store: fmt::Debug + Send + Sync {
    /// Finds or makes the user, opens the session, and ends the user's oldest sessions over the bound: all or nothing.
    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn>;

    /// The session under this digest and its user, over or not.
    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>>;

    /// Where the session under this digest stands, over or not: what is needed of it at nearly every request, and so the one
    /// answer that may come from memory. It is never older than what was answered last, to anybody.
    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>>;

    /// All sessions of a user, over or not; the latest login first.
    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>>;

    /// How many sessions are kept, those included that are over and not swept out yet.
    ///
    /// Looks at all of them, on a thread of its own: for whoever counts now and then, not for a request.
    fn count_sessions(&self) -> Reply<'_, u64>;

    /// Changes a session; whether there was one. One that is not there stays so: an ended one never comes back.
    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool>;

    /// Ends sessions and returns how many there were.
    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize>;

    /// Changes what a user shows, and gives the user as they are then. `None` if there is no such user.
    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>>;

    /// Removes sessions that are over at `now`, by lifetime or by idleness, no more at once than other writes can wait for;
    /// how many it were. None are left when it was none.
    ///
    /// Also removes the ledger's records in which there is neither a live value nor a live lease.
    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, usize>;

    /// Reads a record of the ledger; or, if there is nothing to read and nobody holds it, becomes its holder.
    ///
    /// One of any number of callers becomes the holder. Reading does not wait for writers.
    fn claim(&self, claim: Claim) -> Reply<'_, Claimed>;

    /// Keeps a value until `expires_at`, gives it a version, and lets go of the record; all that only for its holder.
    ///
    /// `false` if the caller is the holder no longer: the lease ran out, and somebody else claimed or the sweep came.
    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, bool>;

    /// Lets go of a record, so that the next to claim it gets it at once. Does nothing for another than its holder.
    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()>;

    /// Whether the store answers.
    fn ready(&self) -> Reply<'_, ()>;

    /// Finishes what is under way and releases the store. Later calls fail with [`Error::Closed`].
    fn close(&self) -> Reply<'_, ()>;
}

/// One login as it is to be kept.
#[derive(Debug, Clone)]
pub struct Login {
    /// Who WeChat says it is: a digest over platform, AppID and openid.
    pub subject: Subject,
    /// The openid, sealed. Replaces the one kept before, which may be sealed under an older secret.
    pub openid: Sealed,
    /// The unionid, sealed, if WeChat gave one. An absent one leaves the one kept before.
    pub unionid: Option<Sealed>,
    /// The identifier for the user if this is the first login.
    pub user_if_new: UserId,
    /// The mini program.
    pub app: AppId,
    /// The digest of the new token.
    pub digest: TokenDigest,
    /// What the user will know the new session by.
    pub id: SessionId,
    /// What it was opened on.
    pub device: Device,
    /// The session keys, newest first, sealed under the new token.
    pub session_keys: Sealed,
    /// When the login happened.
    pub now: Timestamp,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// How many sessions the user may have, this one included.
    pub sessions_per_user: u32,
}

/// What is to change in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// It was used at this time. A later use that is noted already stays.
    Used(Timestamp),
    /// These are its session keys, sealed under its token.
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

/// What became of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The user, new or found.
    pub user: User,
    /// Whether this was the user's first login.
    pub is_new: bool,
}

/// Why a store gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The backend failed; the cause is for the log.
    #[error("the store failed")]
    Failed(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Opens the store at a URL such as `sqlite://data/weapp.db`, creating and migrating it as needed.
///
/// # Errors
/// [`OpenError`] says which file cannot serve and what to do.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"));
    match path.filter(|path| !path.is_empty()) {
        Some(path) => Ok(Arc::new(sqlite::Sqlite::open(path.as_ref())?)),
        None => Err(Problem::UnknownUrl.of(url)),
    }
}
