//! The use cases of a session: check, list, end, revoke, sweep. Time is an argument.
//!
//! A store error never counts as "no such session": the session may be live.

mod current;
mod error;
pub(crate) mod key_history;
mod uses;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::apps::Apps;
use crate::identity::{SessionKey, UserId};
use crate::session::{Lifetimes, Session, SessionId, SessionStatus, Token, TokenDigest, User};
use crate::store::{Revocation, Store, Swept, Update};

use uses::Uses;

pub use current::{CurrentSession, CurrentUser};
pub use error::Error;

/// Checks, lists and ends the sessions in a store.
#[derive(Debug)]
pub struct Sessions {
    store: Arc<dyn Store>,
    apps: Arc<Apps>,
    lifetimes: Lifetimes,
    uses: Uses,
}

impl Sessions {
    /// Manages the sessions in `store` that belong to `apps`.
    pub fn new(store: Arc<dyn Store>, apps: Arc<Apps>, lifetimes: Lifetimes) -> Self {
        Self {
            uses: Uses::new(Arc::clone(&store)),
            store,
            apps,
            lifetimes,
        }
    }

    /// Returns the user of this token, if its session is live at `now`.
    ///
    /// An expired session is rejected and stays in the store, because the clock may be wrong: the sweep deletes it later.
    /// The use is recorded if the last recorded one is old enough. The request does not wait for that, and a failure to
    /// record it does not reject the request.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails: the session may be live.
    pub async fn check(&self, token: &Token, now: Timestamp) -> Result<Option<CurrentUser>, Error> {
        let digest = token.digest();
        let Some(status) = self.live_status(digest, now).await? else {
            return Ok(None);
        };
        if status.needs_touch(&self.lifetimes, now) {
            self.uses.record(digest, now);
        }
        // The mini program may have been removed from the settings since the login.
        let app = self.apps.by_id(status.app.as_str()).map(Arc::clone);
        Ok(app.map(|app| CurrentUser {
            status,
            token: token.clone(),
            app,
            lifetimes: self.lifetimes,
        }))
    }

    /// Returns the status of a session that is live at `now`.
    ///
    /// A cached last use may be too old if another node has recorded a later one, so an expired session is read again.
    async fn live_status(
        &self,
        digest: TokenDigest,
        now: Timestamp,
    ) -> Result<Option<SessionStatus>, Error> {
        let is_live = |status: &SessionStatus| !status.is_expired(&self.lifetimes, now);
        let status = self.store.session_status(digest).await?;
        if status.as_ref().is_none_or(is_live) {
            return Ok(status);
        }
        Ok(self.store.fresh_status(digest).await?.filter(is_live))
    }

    /// Loads the whole session of the current user, including what only its token decrypts. `None` if it has ended since
    /// the check.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails: the session may be live.
    pub async fn load(&self, current: &CurrentUser) -> Result<Option<CurrentSession>, Error> {
        let found = self.store.find(current.digest()).await?;
        Ok(found.and_then(|(session, user)| self.with_app(&current.token, session, user)))
    }

    /// Loads the session of a token, if it is live at `now`, without recording a use.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails: the session may be live.
    pub(crate) async fn peek(
        &self,
        token: &Token,
        now: Timestamp,
    ) -> Result<Option<CurrentSession>, Error> {
        let found = self.store.find(token.digest()).await?;
        let live = found.filter(|(session, _user)| !session.is_expired(&self.lifetimes, now));
        Ok(live.and_then(|(session, user)| self.with_app(token, session, user)))
    }

    fn with_app(&self, token: &Token, session: Session, user: User) -> Option<CurrentSession> {
        Some(CurrentSession {
            app: Arc::clone(self.apps.by_id(session.app.as_str())?),
            session,
            user,
            token: token.clone(),
        })
    }

    /// Replaces the session's newest session key, which the platform no longer accepts. Older keys stay. Returns `false`
    /// if the session has ended meanwhile.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails; [`Error::Crypto`] if the key cannot be sealed.
    pub async fn replace_session_key(
        &self,
        current: &CurrentSession,
        key: SessionKey,
    ) -> Result<bool, Error> {
        let older = current.session_keys().into_iter().skip(1);
        let keys: Vec<_> = std::iter::once(key).chain(older).collect();
        let update = Update::SessionKeys(key_history::seal(&current.token, &keys)?);
        Ok(self.store.update(current.session().digest, update).await?)
    }

    /// Ends the session of a token (logout). Returns `false` if there was none.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails: the session may be live.
    pub async fn end(&self, token: &Token) -> Result<bool, Error> {
        let digest = token.digest();
        // Anyone can construct a well-formed token, so a write is made only for one that exists.
        if self.store.session_status(digest).await?.is_none() {
            return Ok(false);
        }
        Ok(self.store.revoke(Revocation::Session(digest)).await? > 0)
    }

    /// Lists the user's stored sessions, including expired ones, latest login first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn stored(&self, user: UserId) -> Result<Vec<Session>, Error> {
        Ok(self.store.sessions_of(user).await?)
    }

    /// Lists the user's sessions that are live at `now`, latest login first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let mut sessions = self.stored(user).await?;
        sessions.retain(|session| !session.is_expired(&self.lifetimes, now));
        Ok(sessions)
    }

    /// Returns the time at which a session expires if it is not used again.
    pub fn ends_at(&self, session: &Session) -> Timestamp {
        session.ends_at(&self.lifetimes)
    }

    /// Revokes the user's session with this id. Returns `true` if it was live at `now`.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails: the session may be live.
    pub async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Error> {
        let live = self.list(user, now).await?;
        let is_live = live.iter().any(|session| session.id == id);
        let ended = self.store.revoke(Revocation::Id(user, id)).await?;
        Ok(is_live && ended > 0)
    }

    /// Revokes all sessions of the current user except the current one.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails: the sessions may be live.
    pub async fn revoke_others(&self, current: &CurrentUser) -> Result<(), Error> {
        let others = Revocation::OthersOf(current.id(), current.digest());
        self.store.revoke(others).await?;
        Ok(())
    }

    /// Revokes all sessions of a user.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails: the sessions may be live.
    pub async fn revoke_all(&self, user: UserId) -> Result<(), Error> {
        self.store.revoke(Revocation::AllOf(user)).await?;
        Ok(())
    }

    /// Deletes the sessions that expired more than a day before `now`, unless the clock is implausible.
    ///
    /// After each batch it waits for as long as the batch took, so that logins do not wait for all of them.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails. Expired sessions are rejected whether they have been deleted or not.
    pub async fn sweep(&self, now: Timestamp) -> Result<SweepOutcome, Error> {
        let mut deleted = 0;
        loop {
            let start = Instant::now();
            match self.store.sweep(now, self.lifetimes.idle).await? {
                Swept::Rows { sessions, is_last } => {
                    deleted += sessions;
                    if is_last {
                        return Ok(SweepOutcome::Deleted(deleted));
                    }
                }
                Swept::ClockImplausible { plausible } => {
                    return Ok(SweepOutcome::ClockImplausible { plausible });
                }
            }
            sleep(start.elapsed()).await;
        }
    }
}

#[cfg(test)]
impl Sessions {
    /// Waits until the uses of the past requests are recorded.
    pub(crate) async fn settle(&self) {
        self.uses.settle().await;
    }
}

/// Result of [`Sessions::sweep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepOutcome {
    /// This number of sessions was deleted.
    Deleted(usize),
    /// The clock jumped, so nothing was deleted.
    ClockImplausible {
        /// The latest time that was plausible.
        plausible: Timestamp,
    },
}
