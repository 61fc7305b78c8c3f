//! Asks whether a session key is still in force, and replaces it.
//!
//! Knows the `checksession` and `resetusersessionkey` wire formats, and how a call proves that it holds the key.
//! Never knows our sessions, or where a key is kept.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::identity::{AccessTokenText, AppId, OpenId, SessionKey};
use crate::platforms::wechat::Client;
use crate::platforms::wechat::answer::Answer;
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::errcode::Class;
use crate::platforms::wechat::error::{Error, Flaw};

/// What WeChat thinks of a session key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKeyStatus {
    /// It is in force.
    Valid,
    /// It was replaced by a newer login, has expired, or never was this user's: it takes a new login.
    Stale,
}

/// What became of a session key that was to be replaced. `Debug` shows no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKeyReset {
    /// This one is in force now, until the old one would have expired; the old one is dead.
    Renewed(SessionKey),
    /// There was nothing to replace, as for [`SessionKeyStatus::Stale`].
    Stale,
}

impl Client {
    /// Asks WeChat whether a user's session key is in force. One round trip, but for errcode -1. It changes nothing.
    ///
    /// # Errors
    /// [`Error::Refused`] if WeChat does not say: [`is_token_refused`](Error::is_token_refused) asks for a renewed token;
    /// else as [`Client::code_to_session`].
    ///
    /// Source: [checkSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/checkSessionKey.html),
    /// read 2026-11-23.
    pub async fn check_session_key(
        &self,
        app: &AppId,
        token: &AccessTokenText,
        openid: &OpenId,
        session_key: &SessionKey,
    ) -> Result<SessionKeyStatus, Error> {
        let signature = signature(session_key, b"");
        let query = query(token, openid, &signature);
        let answer = unless_stale(self.get(app, Endpoint::CheckSessionKey, &query).await)?;
        Ok(answer.map_or(SessionKeyStatus::Stale, |_| SessionKeyStatus::Valid))
    }

    /// Has WeChat replace a user's session key. One round trip; never sent twice, because the old key dies at once.
    ///
    /// The new key lives no longer than the old one would have. 60 000 calls a minute; not often for one user.
    ///
    /// # Errors
    /// As [`Client::check_session_key`]. After [`Error::TimedOut`], [`Error::ConnectionLost`], [`Error::Unintelligible`]
    /// and errcode -1 the old key may be dead and the new one lost: it takes a new login.
    ///
    /// Source: [ResetUserSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html),
    /// read 2026-11-23.
    pub async fn reset_session_key(
        &self,
        app: &AppId,
        token: &AccessTokenText,
        openid: &OpenId,
        session_key: &SessionKey,
    ) -> Result<SessionKeyReset, Error> {
        let signature = signature(session_key, b"");
        let query = query(token, openid, &signature);
        let answer = self.get(app, Endpoint::ResetSessionKey, &query).await;
        let Some(mut answer) = unless_stale(answer)? else {
            return Ok(SessionKeyReset::Stale);
        };
        if answer.required("openid")? != openid.expose() {
            return Err(answer.flawed(Flaw::Foreign("openid")));
        }
        let renewed = SessionKey::new(answer.required("session_key")?);
        Ok(SessionKeyReset::Renewed(renewed))
    }
}

/// WeChat's pages list the arguments as a body, although the call is a GET; their own samples have them in the query.
fn query<'a>(
    token: &'a AccessTokenText,
    openid: &'a OpenId,
    signature: &'a str,
) -> [(&'static str, &'a str); 4] {
    [
        ("access_token", token.expose()),
        ("openid", openid.expose()),
        ("signature", signature),
        ("sig_method", "hmac_sha256"),
    ]
}

/// The answer; nothing if it says that the key is stale (87007, 87009).
fn unless_stale(answer: Result<Answer, Error>) -> Result<Option<Answer>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Refused(refusal)) if refusal.class() == Class::KeyStale => Ok(None),
        Err(error) => Err(error),
    }
}

/// The proof of holding a session key: HMAC-SHA-256 of the request's body as lower-case hexadecimal digits.
///
/// The key is the text as WeChat sent it, not the bytes that it encodes.
pub(crate) fn signature(session_key: &SessionKey, body: &[u8]) -> String {
    // HMAC takes keys of any length, so the error has no value.
    Hmac::<Sha256>::new_from_slice(session_key.expose().as_bytes())
        .map(|hmac| {
            base16ct::lower::encode_string(&hmac.chain_update(body).finalize().into_bytes())
        })
        .unwrap_or_default()
}
