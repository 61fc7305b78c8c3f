//! Telling a live session from none, ending one, and sweeping out those that are over.
//!
//! Knows that an error of the store is no "no", and that a session found over is ended for good.
//! Never knows how a token travels.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::identity::{OpenId, SessionKey, UnionId, UserId};
use crate::login::{App, Apps, Error, generations};
use crate::session::{Lifetimes, Session, SessionStatus, Token, TokenDigest, User};
use crate::store::{Revocation, Store, Update};

/// Looks after the kept sessions.
#[derive(Debug)]
pub struct Sessions {
    pub(super) store: Arc<dyn Store>,
    pub(super) apps: Arc<Apps>,
    lifetimes: Lifetimes,
}

/// Whose request it is: a session that was live at the moment of asking.
#[derive(Clone)]
pub struct Caller {
    status: SessionStatus,
    digest: TokenDigest,
    token: Token,
    app: Arc<App>,
    lifetimes: Lifetimes,
}

/// A live session with what only its token can open.
#[derive(Clone)]
pub struct LiveSession {
    session: Session,
    user: User,
    token: Token,
    app: Arc<App>,
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

    /// Whose request it is that comes with this token, if its session is live at `now`.
    ///
    /// A session that is over is removed before this answers, so that no clock and no late touch brings it back. A use is
    /// noted when the noted one is old enough; a store that cannot note it does not end the session.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: the session may be live.
    pub async fn check(&self, token: &Token, now: Timestamp) -> Result<Option<Caller>, Error> {
        let digest = token.digest();
        let Some(status) = self.store.session_status(digest).await? else {
            return Ok(None);
        };
        if status.is_over(&self.lifetimes, now) {
            self.store.revoke(Revocation::Session(digest)).await?;
            return Ok(None);
        }
        if status.wants_touch(&self.lifetimes, now)
            && let Err(error) = self.store.update(digest, Update::Used(now)).await
        {
            log::warn!("a session's use could not be noted: {error}");
        }
        // A session of a mini program that is no longer served opens nothing.
        let app = self.apps.by_id(status.app.as_str()).map(Arc::clone);
        Ok(app.map(|app| Caller {
            status,
            digest,
            token: token.clone(),
            app,
            lifetimes: self.lifetimes,
        }))
    }

    /// The caller's session with what only its token can open; `None` if it has ended since.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: the session may be live.
    pub async fn open(&self, caller: &Caller) -> Result<Option<LiveSession>, Error> {
        let found = self.store.find(caller.digest).await?;
        Ok(found.and_then(|(session, user)| self.opened(&caller.token, session, user)))
    }

    /// The session that this token opens, if it is live at `now`; this is no use of it, and changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: the session may be live.
    pub(super) async fn peek(
        &self,
        token: &Token,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, Error> {
        let found = self.store.find(token.digest()).await?;
        let live = found.filter(|(session, _user)| !session.is_over(&self.lifetimes, now));
        Ok(live.and_then(|(session, user)| self.opened(token, session, user)))
    }

    /// A session of a mini program that is no longer served opens nothing.
    fn opened(&self, token: &Token, session: Session, user: User) -> Option<LiveSession> {
        let app = self.apps.by_id(session.app.as_str()).map(Arc::clone)?;
        let token = token.clone();
        Some(LiveSession {
            session,
            user,
            token,
            app,
        })
    }

    /// Puts a session key in the place of the session's newest one, which WeChat honours no longer; the older ones stay.
    /// Whether the session was still there: one that has ended meanwhile does not come back.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know; [`Error::Crypto`] if the key could not be sealed.
    pub async fn replace_session_key(
        &self,
        live: &LiveSession,
        key: SessionKey,
    ) -> Result<bool, Error> {
        let older = live.session_keys().into_iter().skip(1);
        let keys: Vec<_> = std::iter::once(key).chain(older).collect();
        let update = Update::SessionKeys(generations::seal(&live.token, &keys)?);
        Ok(self.store.update(live.session.digest, update).await?)
    }

    /// Ends the session that this token opens; whether there was one.
    ///
    /// # Errors
    /// [`Error::Store`] if the store does not know: the session may be live.
    pub async fn end(&self, token: &Token) -> Result<bool, Error> {
        let digest = token.digest();
        // Anybody can make a token that looks like one: only those that open something are worth a write.
        if self.store.session_status(digest).await?.is_none() {
            return Ok(false);
        }
        Ok(self.store.revoke(Revocation::Session(digest)).await? > 0)
    }

    /// Removes the sessions that are over at `now`; how many there were.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails. Nothing hangs on it: an over session never answers, swept or not.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, Error> {
        let mut swept = 0;
        loop {
            match self.store.sweep(now, self.lifetimes.idle).await? {
                0 => return Ok(swept),
                some => swept += some,
            }
        }
    }
}

impl Caller {
    /// The user's id: the same at every login of this user in this mini program.
    pub fn id(&self) -> UserId {
        self.status.user
    }

    /// Where their session stands.
    pub fn session(&self) -> &SessionStatus {
        &self.status
    }

    /// The digest of the token that the request came with.
    pub fn digest(&self) -> TokenDigest {
        self.digest
    }

    /// When the session ends if it is not used again.
    pub fn ends_at(&self) -> Timestamp {
        self.status.ends_at(&self.lifetimes)
    }

    /// The mini program that the session was opened in.
    pub fn app(&self) -> &App {
        &self.app
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("user", &self.status.user)
            .finish_non_exhaustive()
    }
}

impl LiveSession {
    /// The session as it is kept.
    pub fn session(&self) -> &Session {
        &self.session
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

    /// The session key that WeChat gave at this session's login, or at a reset since.
    pub fn session_key(&self) -> Option<SessionKey> {
        self.session_keys().into_iter().next()
    }

    /// All session keys that may open this user's data, newest first: this session's, and those that the logins before it
    /// handed on. Data that the mini program took just before a login is encrypted under the key from before it.
    pub fn session_keys(&self) -> Vec<SessionKey> {
        generations::open(&self.token, &self.session.session_keys)
    }
}

impl fmt::Debug for LiveSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSession")
            .field("user", &self.user.id)
            .finish_non_exhaustive()
    }
}
