//! Input and output of a login.

use std::fmt;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::identity::{AppId, LoginCode};
use crate::platforms::Referer;
use crate::session::{Device, Lifetimes, Token, User};

/// Limits on logins and their sessions.
#[derive(Debug, Clone, Copy)]
pub struct LoginPolicy {
    /// Lifetimes of the sessions.
    pub lifetimes: Lifetimes,
    /// Maximum number of sessions per user and mini program.
    pub sessions_per_user: u32,
    /// Maximum number of session keys that a session keeps, its own included.
    pub key_history: u32,
    /// Maximum duration of a login: the platform's reply and the store's commit together.
    pub time_limit: SignedDuration,
}

/// One login request.
#[derive(Clone)]
pub struct LoginAttempt {
    /// One-time code from `wx.login`.
    pub code: LoginCode,
    /// Mini program named in the request: its name in the settings, or its AppID.
    pub app: Option<String>,
    /// Mini program that sent the request, according to its Referer.
    pub from: Option<Referer>,
    /// Address of the client, if it is known.
    pub address: Option<IpAddr>,
    /// Description of the client's device.
    pub device: Device,
    /// Token of the previous session. If it is live and belongs to the same user, the new session inherits its session keys
    /// and replaces it.
    pub previous: Option<Token>,
}

impl From<LoginCode> for LoginAttempt {
    /// Creates a login with only a code.
    fn from(code: LoginCode) -> Self {
        Self {
            code,
            app: None,
            from: None,
            address: None,
            device: Device::unknown(),
            previous: None,
        }
    }
}

/// The result of a successful login.
#[derive(Clone)]
pub struct Grant {
    /// Token of the new session. This is its only copy.
    pub token: Token,
    /// Latest possible end of the session.
    pub expires_at: Timestamp,
    /// End of the session if it is not used again.
    pub ends_at: Timestamp,
    /// Mini program in which the user logged in.
    pub app: AppId,
    /// The user.
    pub user: User,
    /// `true` if this was the user's first login.
    pub is_new: bool,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A request for the login page.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// The website or official account: its name in the settings or its AppID. `None` means the only one.
    pub app: Option<&'a str>,
    /// The page to which the login returns. `None` means the only one that is allowed.
    pub redirect: Option<&'a str>,
    /// If `true`, an official account asks for consent, and gets the unionid.
    pub with_consent: bool,
}

/// The login page, and what the client keeps until it returns.
#[derive(Debug, Clone)]
pub struct LoginPage {
    /// URL of the page.
    pub url: String,
    /// The state that the redirect will have.
    pub state: String,
    /// The proof that the login began in this browser.
    pub nonce: String,
    /// Time until the state expires.
    pub expires_in: SignedDuration,
}
