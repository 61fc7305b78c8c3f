//! Where a user is logged in, and ending that.
//!
//! Knows that a session that is over is none, and that nobody sees or ends another user's.
//! Never knows a token: a session is named by what its owner was shown.

use std::sync::Arc;

use jiff::Timestamp;

use crate::account::Error;
use crate::identity::UserId;
use crate::login::Caller;
use crate::session::{Lifetimes, Session, SessionId};
use crate::store::{Revocation, Store};

/// Looks after the sessions of a user.
#[derive(Debug)]
pub struct Devices {
    store: Arc<dyn Store>,
    lifetimes: Lifetimes,
}

impl Devices {
    /// Looks after the sessions in `store`.
    pub fn new(store: Arc<dyn Store>, lifetimes: Lifetimes) -> Self {
        Self { store, lifetimes }
    }

    /// The sessions of a user that are live at `now`, the latest login first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know.
    pub async fn of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let mut sessions = self.store.sessions_of(user).await?;
        sessions.retain(|session| !session.is_over(&self.lifetimes, now));
        Ok(sessions)
    }

    /// When a session ends if it is not used again.
    pub fn ends_at(&self, session: &Session) -> Timestamp {
        session.ends_at(&self.lifetimes)
    }

    /// Ends the user's session of this name; whether there was one that was live at `now`.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: the session may be live.
    pub async fn end(&self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Error> {
        let live = self.of(user, now).await?;
        let is_live = live.iter().any(|session| session.id == id);
        let ended = self.store.revoke(Revocation::Id(user, id)).await?;
        Ok(is_live && ended > 0)
    }

    /// Ends all sessions of the user of this session but this one.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: they may be live.
    pub async fn end_others(&self, this: &Caller) -> Result<(), Error> {
        let revocation = Revocation::OthersOf(this.id(), this.digest());
        self.store.revoke(revocation).await?;
        Ok(())
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: they may be live.
    pub async fn end_all(&self, user: UserId) -> Result<(), Error> {
        self.store.revoke(Revocation::AllOf(user)).await?;
        Ok(())
    }
}
