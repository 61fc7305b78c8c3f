//! The session of the request at hand: its status, which every guarded request needs, or all of it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::apps::App;
use crate::identity::{OpenId, SessionKey, UnionId, UserId};
use crate::session::{Lifetimes, Session, SessionStatus, Token, TokenDigest, User};
use crate::sessions::key_history;

/// The user of a request, whose session was live when it was checked.
///
/// A handler takes it as an argument, behind the session guard:
///
/// ```
/// use actix_web::Responder;
/// use weapp_login::handlers::Success;
/// use weapp_login::sessions::CurrentUser;
///
/// async fn greet(user: CurrentUser) -> impl Responder {
///     Success(format!("hello, {}", user.id()))
/// }
/// ```
#[derive(Clone)]
pub struct CurrentUser {
    pub(super) status: SessionStatus,
    pub(super) token: Token,
    pub(super) app: Arc<App>,
    pub(super) lifetimes: Lifetimes,
}

/// The current user's whole session, including what only its token decrypts: openid, unionid and session keys.
///
/// As a handler's argument it costs one read from the store; take [`CurrentUser`] where that is enough.
#[derive(Clone)]
pub struct CurrentSession {
    pub(super) session: Session,
    pub(super) user: User,
    pub(super) token: Token,
    pub(super) app: Arc<App>,
}

impl CurrentUser {
    /// Returns the user's id: the same at every login of this user in this mini program.
    pub fn id(&self) -> UserId {
        self.status.user
    }

    /// Returns the status of the session.
    pub fn session(&self) -> &SessionStatus {
        &self.status
    }

    /// Returns the digest of the request's token.
    pub fn digest(&self) -> TokenDigest {
        self.token.digest()
    }

    /// Returns the time at which the session expires if it is not used again.
    pub fn ends_at(&self) -> Timestamp {
        self.status.ends_at(&self.lifetimes)
    }

    /// Returns the mini program in which the user logged in.
    pub fn app(&self) -> &App {
        &self.app
    }
}

impl fmt::Debug for CurrentUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentUser")
            .field("user", &self.status.user)
            .finish_non_exhaustive()
    }
}

impl CurrentSession {
    /// Returns the stored session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the session's user.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Returns the mini program in which the user logged in.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Decrypts the user's openid, for calls to the platform. Never send it to a client.
    ///
    /// `None` if the AppSecret has changed since the user's last login; the next login stores it again.
    pub fn openid(&self) -> Option<OpenId> {
        let openid = self.app.open(self.user.subject, &self.user.openid)?;
        Some(OpenId::new(openid.as_str()))
    }

    /// Decrypts the user's unionid, if the platform has sent one and the AppSecret has not changed since the last login.
    pub fn unionid(&self) -> Option<UnionId> {
        let unionid = self
            .app
            .open(self.user.subject, self.user.unionid.as_ref()?)?;
        Some(UnionId::new(unionid.as_str()))
    }

    /// Decrypts the session key of this session's login, or of a reset since then.
    pub fn session_key(&self) -> Option<SessionKey> {
        self.session_keys().into_iter().next()
    }

    /// Decrypts all session keys that may open this user's data, newest first: the one of this session, then those of
    /// the logins before it. Data that the mini program fetched just before a login is encrypted under the previous key.
    pub fn session_keys(&self) -> Vec<SessionKey> {
        key_history::open(&self.token, &self.session.session_keys)
    }
}

impl fmt::Debug for CurrentSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentSession")
            .field("user", &self.user.id)
            .finish_non_exhaustive()
    }
}
