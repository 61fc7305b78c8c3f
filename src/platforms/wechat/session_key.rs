//! Checks whether a session key is still valid, and replaces it (`checksession`, `resetusersessionkey`).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::identity::{AccessTokenText, AppId, OpenId, SessionKey};
use crate::platforms::error::{Error, InvalidReply};
use crate::platforms::platform::{SessionKeyReset, SessionKeyStatus};
use crate::platforms::rejection::Reason;
use crate::platforms::wechat::client::Client;
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::reply::Reply;

impl Client {
    /// Checks whether a user's session key is valid. One round trip, except after errcode -1. It changes nothing.
    ///
    /// # Errors
    /// [`Error::Rejected`]: with [`Reason::TokenInvalid`], renew the token and retry; otherwise as
    /// [`Client::code_to_session`].
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
        let reply = unless_stale(self.get(app, Endpoint::CheckSessionKey, &query).await)?;
        Ok(reply.map_or(SessionKeyStatus::Stale, |_| SessionKeyStatus::Valid))
    }

    /// Replaces a user's session key. One round trip; never sent twice, because the old key becomes invalid at once.
    ///
    /// The new key expires when the old one would have. WeChat allows 60,000 calls a minute, and few per user.
    ///
    /// # Errors
    /// As [`Client::check_session_key`]. After [`Error::TimedOut`], [`Error::ConnectionLost`], [`Error::InvalidReply`]
    /// and errcode -1 the old key may be invalid and the new one lost: the user must log in again.
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
        let reply = self.get(app, Endpoint::ResetSessionKey, &query).await;
        let Some(mut reply) = unless_stale(reply)? else {
            return Ok(SessionKeyReset::Stale);
        };
        if reply.required("openid")? != openid.expose() {
            return Err(reply.invalid(InvalidReply::Foreign("openid")));
        }
        let renewed = SessionKey::new(reply.required("session_key")?);
        Ok(SessionKeyReset::Renewed(renewed))
    }
}

/// Builds the query. WeChat's pages list the arguments as a body, although the call is a GET; its samples use the query.
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

/// Returns the reply; `None` if WeChat says that the key is stale (87007, 87009).
fn unless_stale(reply: Result<Reply, Error>) -> Result<Option<Reply>, Error> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.reason() == Some(Reason::SessionKeyStale) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Computes the proof of possession of a session key: HMAC-SHA-256 of the request's body, in lower-case hexadecimal.
///
/// The key is the base64 text that WeChat sent, not the decoded bytes.
pub(crate) fn signature(session_key: &SessionKey, body: &[u8]) -> String {
    // HMAC accepts keys of any length, so this never fails.
    Hmac::<Sha256>::new_from_slice(session_key.expose().as_bytes())
        .map(|hmac| {
            base16ct::lower::encode_string(&hmac.chain_update(body).finalize().into_bytes())
        })
        .unwrap_or_default()
}
