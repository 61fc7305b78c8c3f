//! The use cases of a login: code in, grant out; token in, live session out; logout; the sweep.
//!
//! Knows the order of the steps and what must hold between them. Time is an argument.
//! Never knows HTTP, JSON, SQL, WeChat's numbers or where settings came from.

mod apps;
mod generations;
mod replay;
mod sessions;
#[cfg(test)]
mod tests;
mod waiting;

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::identity::{AppId, LoginCode, OpenId, SessionKey, Subject, UserId};
use crate::platforms::wechat;
use crate::platforms::wechat::doctor::Case;
use crate::session::{CryptoError, Device, SessionId, Token, User};
use crate::store;

pub use apps::{App, Apps};
pub use replay::{IdempotencyKey, MalformedKey};
pub use sessions::{Caller, LiveSession, Sessions};
pub(crate) use waiting::{Pauses, to_its_end};

/// Logs users in.
///
/// Each worker has its own, because each has its own connections to WeChat; the store behind them is one.
pub struct Logins {
    wechat: wechat::Client,
    sessions: Arc<Sessions>,
    rules: Rules,
}

/// How logins are kept.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// From login to the end of the session at the latest.
    pub lifetime: SignedDuration,
    /// How many sessions a user may have in one mini program.
    pub sessions_per_user: u32,
    /// How many session keys a session knows at most, its own included.
    pub key_generations: u32,
    /// How long a login may take: WeChat's answer and the store's together.
    pub patience: SignedDuration,
}

/// What somebody logs in with.
#[derive(Clone)]
pub struct Attempt {
    /// What `wx.login` gave.
    pub code: LoginCode,
    /// The mini program's name in the settings, or its AppID, as the login states it.
    pub app: Option<String>,
    /// The mini program that the login comes from, as WeChat states it.
    pub from: Option<wechat::Referer>,
    /// What the login comes from, for its owner to tell it by.
    pub device: Device,
    /// The token of the session before. If it is live, and of the same user, the new session gets its session keys.
    pub previous: Option<Token>,
}

impl From<LoginCode> for Attempt {
    /// A login with nothing but a code.
    fn from(code: LoginCode) -> Self {
        Self {
            code,
            app: None,
            from: None,
            device: Device::unknown(),
            previous: None,
        }
    }
}

/// What a login gives.
#[derive(Clone)]
pub struct Grant {
    /// What the client carries from now on. This is its only copy.
    pub token: Token,
    /// From the login to the end of the session at the latest.
    pub lifetime: SignedDuration,
    /// The mini program that was logged in to.
    pub app: AppId,
    /// Who logged in.
    pub user: User,
    /// Whether for the first time.
    pub is_new: bool,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Why a login or a look at a session gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The login names a mini program that the settings do not know, or none where there are several.
    #[error("the login names no mini program that the settings know")]
    AppUnknown,
    /// The code has given a session already, and that has ended.
    #[error("the code was used before, and its session has ended")]
    CodeUsed,
    /// WeChat refused the code.
    #[error("{diagnosis}")]
    Refused {
        /// The refusal.
        error: wechat::Error,
        /// What to fix, by all that is known of the login: one line for the log, with no secret in it.
        diagnosis: String,
    },
    /// WeChat did not say whose code it is.
    #[error("could not learn from WeChat whose code it is")]
    Wechat(#[source] wechat::Error),
    /// The store gave no answer.
    #[error("could not reach the kept sessions")]
    Store(#[from] store::Error),
    /// No token could be made.
    #[error("could not make a token")]
    Crypto(#[from] CryptoError),
}

impl Logins {
    /// Logs users in to the mini programs of `sessions`, with an upstream client of this worker's own.
    pub fn new(wechat: wechat::Client, sessions: Arc<Sessions>, rules: Rules) -> Self {
        Self {
            wechat,
            sessions,
            rules,
        }
    }

    /// Exchanges a login code for a session. The session is durable when this answers.
    ///
    /// # Errors
    /// [`Error::AppUnknown`] before anybody is asked; [`Error::Refused`] and [`Error::Wechat`] if WeChat refuses the code
    /// or does not answer;
    /// [`Error::Store`] if the session could not be kept, in which case the code is spent.
    pub async fn log_in(&self, attempt: &Attempt, now: Timestamp) -> Result<Grant, Error> {
        let app = self.app_of(attempt)?;
        let identity = self
            .wechat
            .code_to_session(app.credentials(), &attempt.code)
            .await
            .map_err(|error| diagnose(error, attempt, app, now))?;
        let subject = subject(app, &identity.openid);
        let older = self.handed_on(attempt, subject, now).await;
        let keys = generations::of(identity.session_key, older, self.rules.key_generations);
        let token = Token::generate()?;
        // The store keeps milliseconds, and what it kept must equal what was said here.
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let unionid = identity.unionid.as_ref();
        let kept = self.sessions.store.log_in(store::Login {
            subject,
            openid: app.seal(subject, identity.openid.expose())?,
            unionid: unionid
                .map(|unionid| app.seal(subject, unionid.expose()))
                .transpose()?,
            user_if_new: new_user()?,
            app: app.id().clone(),
            digest: token.digest(),
            id: SessionId::generate()?,
            device: attempt.device.clone(),
            session_keys: generations::seal(&token, &keys)?,
            now,
            expires_at: now
                .saturating_add(self.rules.lifetime)
                .unwrap_or(Timestamp::MAX),
            sessions_per_user: self.rules.sessions_per_user,
        });
        let store::LoggedIn { user, is_new } = kept.await?;
        Ok(Grant {
            token,
            lifetime: self.rules.lifetime,
            app: app.id().clone(),
            user,
            is_new,
        })
    }

    fn app_of(&self, attempt: &Attempt) -> Result<&Arc<App>, Error> {
        let from = attempt.from.as_ref();
        let from = from.map(|referer| referer.app_id.as_str());
        self.sessions
            .apps
            .choose(attempt.app.as_deref(), from)
            .ok_or(Error::AppUnknown)
    }

    /// The session keys of the session before. Whatever is wrong with its token, the login goes on without them.
    async fn handed_on(
        &self,
        attempt: &Attempt,
        subject: Subject,
        now: Timestamp,
    ) -> Vec<SessionKey> {
        let Some(previous) = &attempt.previous else {
            return Vec::new();
        };
        match self.sessions.peek(previous, now).await {
            // A subject is a user of one mini program.
            Ok(Some(live)) if live.user().subject == subject => live.session_keys(),
            Ok(_none_or_another_users) => Vec::new(),
            Err(error) => {
                log::warn!("the session before a login could not be looked at: {error}");
                Vec::new()
            }
        }
    }
}

/// Adds to a refusal what the login itself shows of its reason.
fn diagnose(error: wechat::Error, attempt: &Attempt, app: &App, now: Timestamp) -> Error {
    let Some(refusal) = error.refusal() else {
        return Error::Wechat(error);
    };
    let case = Case {
        errcode: refusal.errcode,
        rid: refusal.rid.as_ref(),
        shape: attempt.code.shape(),
        referer: attempt.from.as_ref(),
        app_id: app.id(),
        now,
        clue: refusal.clue,
    };
    let diagnosis = case.to_string();
    Error::Refused { error, diagnosis }
}

/// Who somebody is, as the store knows them: a digest over platform, AppID and openid, each with its length before it.
fn subject(app: &App, openid: &OpenId) -> Subject {
    let mut digest = Sha256::new();
    for part in ["wechat", app.id().as_str(), openid.expose()] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        digest.update(length.to_be_bytes());
        digest.update(part);
    }
    Subject(digest.finalize().into())
}

fn new_user() -> Result<UserId, CryptoError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(CryptoError::NoRandomness)?;
    Ok(UserId(id))
}
