//! Exchanges a login code for the user's WeChat identity.
//!
//! Knows the `jscode2session` wire format.
//! Never knows what becomes of the identity, nor how an HTTP exchange is made.

use crate::identity::{LoginCode, OpenId, SessionKey, UnionId};
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::errcode::Class;
use crate::platforms::wechat::error::Error;
use crate::platforms::wechat::refusal::Clue;
use crate::platforms::wechat::{App, Client};

/// What WeChat knows of a user who has just logged in. `Debug` shows none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who the user is to this mini program.
    pub openid: OpenId,
    /// The key for what the mini program encrypts; opaque, as WeChat sent it.
    pub session_key: SessionKey,
    /// Who the user is to all apps of one Open Platform account, if the mini program is bound to one.
    pub unionid: Option<UnionId>,
}

impl Client {
    /// Asks WeChat whose login code this is. One round trip, but for errcode -1, and no access token.
    ///
    /// A code lives 5 minutes and works once, so it is not sent twice once bytes were written; only errcode -1 and a
    /// connection that never came about are worth another try, within the limit for the whole call.
    ///
    /// # Errors
    /// [`Error::Refused`] if WeChat said no: its [`class`](crate::platforms::wechat::Refusal::class) tells why;
    /// [`Error::TimedOut`] and [`Error::ConnectionLost`] if the code may be spent without an answer;
    /// [`Error::Unreachable`], [`Error::CircuitOpen`] and [`Error::Overloaded`] if it was not sent;
    /// [`Error::Unintelligible`] if the answer makes no sense.
    ///
    /// Source: [code2Session](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html),
    /// read 2026-11-23.
    pub async fn code_to_session(&self, app: &App, code: &LoginCode) -> Result<Identity, Error> {
        let query = [
            ("appid", app.id.as_str()),
            ("secret", app.secret.expose()),
            ("js_code", code.expose()),
            ("grant_type", "authorization_code"),
        ];
        let mut answer = self
            .get(&app.id, Endpoint::CodeToSession, &query)
            .await
            .map_err(|error| error.with_clue(Class::CodeInvalid, Clue::Shape(code.shape())))?;
        Ok(Identity {
            openid: OpenId::new(answer.required("openid")?),
            session_key: SessionKey::new(answer.required("session_key")?),
            unionid: answer.optional("unionid").map(UnionId::new),
        })
    }
}
