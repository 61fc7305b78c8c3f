//! Checks whether the platform still accepts a session's key, and replaces it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::account::error::Error;
use crate::limits::{Exceeded, LimitedCall, Limits};
use crate::login::detached;
use crate::platforms::{Platforms, SessionKeyReset, SessionKeyStatus};
use crate::sessions::{CurrentSession, Sessions};

/// Checks and resets session keys.
#[derive(Debug)]
pub struct SessionKeys {
    platforms: Platforms,
    sessions: Arc<Sessions>,
    limits: Arc<Limits>,
}

impl SessionKeys {
    /// Manages the session keys of `sessions`.
    pub fn new(platforms: Platforms, sessions: Arc<Sessions>, limits: Arc<Limits>) -> Self {
        Self {
            platforms,
            sessions,
            limits,
        }
    }

    /// Returns `true` if the platform accepts the session's key, so that data fetched by the mini program now can be
    /// decrypted.
    ///
    /// # Errors
    /// [`Error::SessionKey`] if the call fails; [`Error::OpenIdSealed`] if the user's openid cannot be decrypted.
    pub async fn is_valid(&self, current: &CurrentSession, now: Timestamp) -> Result<bool, Error> {
        require_mini_program(current)?;
        let openid = current.openid().ok_or(Error::OpenIdSealed)?;
        let Some(key) = current.session_key() else {
            return Ok(false);
        };
        self.admit(current)?;
        let platform = self.platforms.get(current.app().platform());
        let status = platform
            .check_session_key(current.app().credentials(), &openid, &key, now)
            .await
            .map_err(Error::SessionKey)?;
        Ok(status == SessionKeyStatus::Valid)
    }

    /// Replaces the session's key at the platform, and stores the new one. The old key is invalid afterwards.
    ///
    /// Continues when the caller stops waiting, because the platform has invalidated the old key by then.
    ///
    /// # Errors
    /// [`Error::SessionKeyStale`] if the platform does not accept the old key, so that only a login helps;
    /// [`Error::SessionKey`] if the call fails; [`Error::SessionGone`] if the session has ended meanwhile.
    pub async fn reset(
        self: Arc<Self>,
        current: CurrentSession,
        now: Timestamp,
    ) -> Result<(), Error> {
        detached(async move { self.replace(&current, now).await }).await
    }

    fn admit(&self, current: &CurrentSession) -> Result<(), Exceeded> {
        let user = current.user().id;
        self.limits.admit_call(user, LimitedCall::SessionKey)
    }

    async fn replace(&self, current: &CurrentSession, now: Timestamp) -> Result<(), Error> {
        require_mini_program(current)?;
        let openid = current.openid().ok_or(Error::OpenIdSealed)?;
        let key = current.session_key().ok_or(Error::SessionKeyStale)?;
        self.admit(current)?;
        let platform = self.platforms.get(current.app().platform());
        let reset = platform
            .reset_session_key(current.app().credentials(), &openid, &key, now)
            .await
            .map_err(Error::SessionKey)?;
        let renewed = match reset {
            SessionKeyReset::Renewed(renewed) => renewed,
            SessionKeyReset::Stale => return Err(Error::SessionKeyStale),
        };
        let stored = self.sessions.replace_session_key(current, renewed).await;
        if stored.map_err(Error::Session)? {
            Ok(())
        } else {
            Err(Error::SessionGone)
        }
    }
}

/// Rejects a session without a session key, which is that of a website or an official account.
pub(super) fn require_mini_program(current: &CurrentSession) -> Result<(), Error> {
    if current.app().kind().is_web() {
        return Err(Error::SessionKeyAbsent);
    }
    Ok(())
}
