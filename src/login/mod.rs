//! The login use case: exchanges a one-time code for a session. Time is an argument.

mod attempt;
mod counter;
mod detached;
mod error;
mod idempotency;
mod idempotency_key;
mod person;
#[cfg(test)]
mod tests;
mod web_login;
mod web_state;

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::apps::{App, Apps};
use crate::identity::{KeyedDigest, OpenId, Subject, UnionId, UserId};
use crate::limits::{Limits, LoginPermit};
use crate::platforms::{self, Identity, LoginFacts, Platforms};
use crate::session::{DataKeys, SessionId, Token, random_bytes};
use crate::sessions::{CurrentSession, Sessions, key_history};
use crate::store::{self, Store};
use crate::time::to_milliseconds;

pub use attempt::{Grant, LoginAttempt, LoginPage, LoginPolicy, PageRequest};
pub use counter::LoginCounter;
pub(crate) use counter::{KEPT_DAYS, day, days_before};
pub(crate) use detached::detached;
pub use error::Error;
pub use idempotency_key::{IdempotencyKey, MalformedKey};
pub(crate) use person::person;
pub use web_state::{InvalidState, PresentedState};

/// Logs users in. One instance per worker, because HTTP connections to the platform belong to a worker's runtime.
pub struct Logins {
    platforms: Platforms,
    apps: Arc<Apps>,
    store: Arc<dyn Store>,
    sessions: Arc<Sessions>,
    policy: LoginPolicy,
    limits: Arc<Limits>,
    counter: Option<Arc<LoginCounter>>,
    keys: Option<Arc<DataKeys>>,
}

impl Logins {
    /// Logs users of `apps` in, and keeps their sessions in `store`.
    pub fn new(
        platforms: Platforms,
        apps: Arc<Apps>,
        store: Arc<dyn Store>,
        sessions: Arc<Sessions>,
        policy: LoginPolicy,
    ) -> Self {
        Self {
            platforms,
            apps,
            store,
            sessions,
            policy,
            limits: Arc::default(),
            counter: None,
            keys: None,
        }
    }

    /// Sets the limits. By default there are none.
    #[must_use]
    pub fn with_limits(self, limits: Arc<Limits>) -> Self {
        Self { limits, ..self }
    }

    /// Sets the counter of successful logins.
    #[must_use]
    pub fn with_counter(self, counter: Arc<LoginCounter>) -> Self {
        Self {
            counter: Some(counter),
            ..self
        }
    }

    /// Sets the keys of the digests by which apps share users. Without them, no app shares any.
    #[must_use]
    pub fn with_data_keys(self, keys: Arc<DataKeys>) -> Self {
        Self {
            keys: Some(keys),
            ..self
        }
    }

    /// Exchanges a login code for a session. The session is durable when this returns.
    ///
    /// # Errors
    /// [`Error::AppUnknown`], [`Error::CodeImpossible`] and [`Error::Limited`] before any request is sent; [`Error::Rejected`]
    /// and [`Error::Platform`] if the platform rejects the code or does not reply; [`Error::UserBlocked`] if an operator has blocked the user; [`Error::Store`] if the session could not be stored, in which case the code is spent.
    pub async fn log_in(&self, attempt: &LoginAttempt, now: Timestamp) -> Result<Grant, Error> {
        let permit = self.admit(attempt, false, now).await?;
        let outcome = self.exchange(attempt, Token::generate()?, now).await;
        settle(permit, outcome)
    }

    /// Admits a login within the limits. A code that cannot be one, and an app that does not log in in this way, are rejected
    /// first.
    async fn admit(
        &self,
        attempt: &LoginAttempt,
        is_web: bool,
        now: Timestamp,
    ) -> Result<LoginPermit<'_>, Error> {
        let app = self.app_of(attempt)?;
        if app.kind().is_web() != is_web {
            return Err(Error::WrongKind(app.kind()));
        }
        let platform = self.platforms.get(app.platform());
        if !platform.is_possible_code(attempt.code.expose()) {
            return Err(Error::CodeImpossible);
        }
        let user = async {
            let live = self.live_session(attempt, now).await;
            live.map(|live| live.user().id)
        };
        let admitted = self.limits.admit_login(app.id(), attempt.address, user);
        Ok(admitted.await?)
    }

    async fn exchange(
        &self,
        attempt: &LoginAttempt,
        token: Token,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let app = self.app_of(attempt)?;
        let identity = self.identify(attempt, app, now).await?;
        let subject = subject(app, &identity.openid);
        // The login replaces the session that the client presents, if it belongs to this user. A subject identifies a user
        // within one mini program.
        let previous = self.live_session(attempt, now).await;
        let previous = previous.filter(|live| live.user().subject == subject);
        let older = previous.iter().flat_map(CurrentSession::session_keys);
        let keys = key_history::of(identity.session_key, older, self.policy.key_history);
        // The store keeps milliseconds; the times returned here must equal the stored ones.
        let now = to_milliseconds(now);
        let lifetimes = &self.policy.lifetimes;
        let expires_at = lifetimes.expires_at(now);
        let unionid = identity.unionid.as_ref();
        let kept = self.store.log_in(store::Login {
            subject,
            openid: app.seal(subject, identity.openid.expose())?,
            unionid: unionid
                .map(|unionid| app.seal(subject, unionid.expose()))
                .transpose()?,
            person: self.person(app, unionid),
            user_if_new: UserId(random_bytes()?),
            app: app.id().clone(),
            digest: token.digest(),
            id: SessionId::generate()?,
            device: attempt.device.clone(),
            session_keys: key_history::seal(&token, &keys)?,
            now,
            expires_at,
            sessions_per_user: self.policy.sessions_per_user,
            replaces: previous.map(|previous| previous.session().digest),
        });
        let store::LoggedIn { user, is_new } = kept.await?;
        if user.block.is_some() {
            return Err(Error::UserBlocked(user.id));
        }
        if let Some(counter) = &self.counter {
            counter.count(app.id(), now);
        }
        Ok(Grant {
            token,
            expires_at,
            ends_at: lifetimes.ends_at(now, expires_at),
            app: app.id().clone(),
            user,
            is_new,
        })
    }

    /// Returns the digests of the unionid. Empty if there is none, or the app shares no users.
    fn person(&self, app: &App, unionid: Option<&UnionId>) -> Vec<KeyedDigest> {
        let digests = self.keys.as_ref().zip(unionid);
        let digests = digests.map(|(keys, unionid)| person(app, keys, unionid));
        digests.unwrap_or_default()
    }

    /// Exchanges the code for the user's identity.
    async fn identify(
        &self,
        attempt: &LoginAttempt,
        app: &App,
        now: Timestamp,
    ) -> Result<Identity, Error> {
        let platform = self.platforms.get(app.platform());
        let identity = platform.exchange_code(app.credentials(), &attempt.code);
        let identity = identity.await;
        let identity = identity.map_err(|error| self.diagnosed(error, attempt, app, now))?;
        if identity.is_snapshot {
            return Err(Error::SnapshotUser);
        }
        Ok(identity)
    }

    fn app_of(&self, attempt: &LoginAttempt) -> Result<&Arc<App>, Error> {
        let from = attempt.from.as_ref();
        let from = from.map(|referer| referer.app_id.as_str());
        Ok(self.apps.choose(attempt.app.as_deref(), from)?)
    }

    /// Returns the session that the client presents, if it is live. A problem with its token does not fail the login.
    async fn live_session(&self, attempt: &LoginAttempt, now: Timestamp) -> Option<CurrentSession> {
        match self.sessions.peek(attempt.previous.as_ref()?, now).await {
            Ok(live) => live,
            Err(error) => {
                log::warn!("the previous session of a login could not be read: {error}");
                None
            }
        }
    }

    /// Adds the likely cause to a rejection, derived from the login.
    fn diagnosed(
        &self,
        error: platforms::Error,
        attempt: &LoginAttempt,
        app: &App,
        now: Timestamp,
    ) -> Error {
        let Some(rejection) = error.rejection() else {
            return Error::Platform(error);
        };
        let login = LoginFacts {
            code: &attempt.code,
            referer: attempt.from.as_ref(),
            app_id: app.id(),
            now,
        };
        let platform = self.platforms.get(app.platform());
        let diagnosis = platform.diagnose(rejection, &login);
        Error::Rejected { error, diagnosis }
    }
}

/// Refunds a login, unless the client is at fault for its rejection, and returns its outcome.
fn settle(permit: LoginPermit<'_>, outcome: Result<Grant, Error>) -> Result<Grant, Error> {
    if !outcome.as_ref().is_err_and(Error::is_fault_of_client) {
        permit.refund();
    }
    outcome
}

/// Computes the digest that identifies a user in the store: over platform, AppID and openid, each prefixed with its length.
pub(crate) fn subject(app: &App, openid: &OpenId) -> Subject {
    let mut digest = Sha256::new();
    for part in [app.platform().as_str(), app.id().as_str(), openid.expose()] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        digest.update(length.to_be_bytes());
        digest.update(part);
    }
    Subject(digest.finalize().into())
}
