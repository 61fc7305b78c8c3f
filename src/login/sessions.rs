//! Telling a live session from none, ending one, and sweeping out those that are over.
//!
//! Knows that an error of the store is no "no", and that a session found over is ended for good.
//! Never knows how a token travels.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::identity::{OpenId, SessionKey, UnionId};
use crate::login::{App, Apps, Error};
use crate::session::{Lifetimes, Session, Token, User};
use crate::store::Store;

/// Looks after the kept sessions.
#[derive(Debug)]
pub struct Sessions {
    store: Arc<dyn Store>,
    apps: Arc<Apps>,
    lifetimes: Lifetimes,
}

/// A session that was live at the moment of asking, with what only its token can open.
#[derive(Clone)]
pub struct LiveSession {
    session: Session,
    user: User,
    token: Token,
    app: Arc<App>,
    lifetimes: Lifetimes,
}

impl Sessions {
    /// Looks after the sessions in `store` that belong to `apps`.
    pub fn new(store: Arc<dyn Store>, apps: Arc<Apps>, lifetimes: Lifetimes) -> Self {
        Self {
            store,
            apps,
            lifetimes,
        }
    }

    /// The session that this token opens, if it is live at `now`.
    ///
    /// A session that is over is removed before this answers, so that no clock and no late touch brings it back. A use is
    /// noted when the noted one is old enough; a store that cannot note it does not end the session.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: the session may be live.
    pub async fn check(&self, token: &Token, now: Timestamp) -> Result<Option<LiveSession>, Error> {
        let digest = token.digest();
        let Some((session, user)) = self.store.find(digest).await? else {
            return Ok(None);
        };
        if session.is_over(&self.lifetimes, now) {
            self.store.end(digest).await?;
            return Ok(None);
        }
        if session.wants_touch(&self.lifetimes, now)
            && let Err(error) = self.store.touch(digest, now).await
        {
            log::warn!("a session's use could not be noted: {error}");
        }
        // A session of a mini program that is no longer served opens nothing.
        let Some(app) = self.apps.by_id(session.app.as_str()).map(Arc::clone) else {
            return Ok(None);
        };
        let (token, lifetimes) = (token.clone(), self.lifetimes);
        Ok(Some(LiveSession {
            session,
            user,
            token,
            app,
            lifetimes,
        }))
    }

    /// Ends the session that this token opens; whether there was one.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: the session may be live.
    pub async fn end(&self, token: &Token) -> Result<bool, Error> {
        Ok(self.store.end(token.digest()).await?)
    }

    /// Removes the sessions that are over at `now`; how many there were.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails. Nothing hangs on it: an over session never answers, swept or not.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, Error> {
        Ok(self.store.sweep(now, self.lifetimes.idle).await?)
    }
}

impl LiveSession {
    /// The session as it is kept.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// When it ends if it is not used again.
    pub fn ends_at(&self) -> Timestamp {
        self.session.ends_at(&self.lifetimes)
    }

    /// Whose session it is.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The mini program that it was opened in.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The user's openid, for calls to WeChat. Never for a client.
    ///
    /// `None` if the AppSecret has changed since the user's last login: another login mends that.
    pub fn openid(&self) -> Option<OpenId> {
        let openid = self.app.open(self.user.subject, &self.user.openid)?;
        Some(OpenId::new(openid.as_str()))
    }

    /// The user's unionid, if WeChat has given one and the AppSecret is still the one of the last login.
    pub fn unionid(&self) -> Option<UnionId> {
        let unionid = self
            .app
            .open(self.user.subject, self.user.unionid.as_ref()?)?;
        Some(UnionId::new(unionid.as_str()))
    }

    /// The session key that WeChat gave at this session's login.
    pub fn session_key(&self) -> Option<SessionKey> {
        let key = self.token.open(&self.session.session_key)?;
        Some(SessionKey::new(key.as_str()))
    }
}

impl fmt::Debug for LiveSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSession")
            .field("user", &self.user.id)
            .finish_non_exhaustive()
    }
}
