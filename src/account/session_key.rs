//! Whether WeChat still honours a session's key, and another one in its place.
//!
//! Knows that a key that WeChat has replaced is kept, whoever still waits for the answer.
//! Never knows how WeChat is asked, or how keys are sealed.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::account::access_token::AccessTokens;
use crate::account::{Error, openid_of};
use crate::login::detached;
use crate::platforms::wechat::{SessionKeyReset, SessionKeyStatus};
use crate::sessions::{CurrentSession, Sessions};

/// Looks after the session keys of live sessions.
///
/// Each worker has its own, because each has its own connections to WeChat.
pub struct SessionKeys {
    tokens: AccessTokens,
    sessions: Arc<Sessions>,
}

impl SessionKeys {
    /// Looks after the keys of `sessions`, and asks WeChat with these access tokens.
    pub fn new(tokens: AccessTokens, sessions: Arc<Sessions>) -> Self {
        Self { tokens, sessions }
    }

    /// Whether WeChat honours the session's key: whether the mini program's data of this moment opens with it.
    ///
    /// # Errors
    /// [`Error::SessionKey`] if WeChat does not say; [`Error::OpenIdSealed`] if it cannot be asked.
    pub async fn is_in_force(&self, live: &CurrentSession, now: Timestamp) -> Result<bool, Error> {
        let openid = openid_of(live)?;
        let Some(key) = live.session_key() else {
            return Ok(false);
        };
        let (tokens, app) = (&self.tokens, live.app().credentials());
        let asked = tokens.with_token(app, now, async |token| {
            let wechat = tokens.wechat();
            wechat
                .check_session_key(&app.id, token, &openid, &key)
                .await
        });
        let standing = asked.await.map_err(Error::SessionKey)?;
        Ok(standing == SessionKeyStatus::Valid)
    }

    /// Has WeChat replace the session's key, and keeps the new one. The old one is dead then, wherever else it is kept.
    ///
    /// Goes on when the caller stops waiting: WeChat has forgotten the old key by then.
    ///
    /// # Errors
    /// [`Error::SessionKeyStale`] if WeChat does not honour the key, so that only a login gives another;
    /// [`Error::SessionKey`] if it does not say; [`Error::SessionGone`] if the session has ended meanwhile.
    pub async fn reset(self: Arc<Self>, live: CurrentSession, now: Timestamp) -> Result<(), Error> {
        detached(async move { self.replace(&live, now).await }).await
    }

    async fn replace(&self, live: &CurrentSession, now: Timestamp) -> Result<(), Error> {
        let openid = openid_of(live)?;
        let key = live.session_key().ok_or(Error::SessionKeyStale)?;
        let (tokens, app) = (&self.tokens, live.app().credentials());
        let asked = tokens.with_token(app, now, async |token| {
            let wechat = tokens.wechat();
            wechat
                .reset_session_key(&app.id, token, &openid, &key)
                .await
        });
        let renewed = match asked.await.map_err(Error::SessionKey)? {
            SessionKeyReset::Renewed(renewed) => renewed,
            SessionKeyReset::Stale => return Err(Error::SessionKeyStale),
        };
        let kept = self.sessions.replace_session_key(live, renewed).await;
        if kept.map_err(Error::Session)? {
            Ok(())
        } else {
            Err(Error::SessionGone)
        }
    }
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKeys").finish_non_exhaustive()
    }
}
