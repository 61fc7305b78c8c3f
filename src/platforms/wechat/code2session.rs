//! Exchanges a login code for the user's identity (`jscode2session`).

use crate::identity::{LoginCode, OpenId, SessionKey, UnionId};
use crate::platforms::error::Error;
use crate::platforms::platform::{AppCredentials, Identity};
use crate::platforms::rejection::Reason;
use crate::platforms::wechat::client::Client;
use crate::platforms::wechat::code_shape::CodeShape;
use crate::platforms::wechat::endpoint::Endpoint;

impl Client {
    /// Exchanges a login code. One round trip, except after errcode -1; needs no access token.
    ///
    /// A code is valid for 5 minutes and works once, so it is not sent again after bytes were written. Only errcode -1 and a
    /// failed connection are retried, within the limit of the whole call.
    ///
    /// # Errors
    /// [`Error::Rejected`] with a [`Reason`]; [`Error::TimedOut`] and [`Error::ConnectionLost`] if the code may be spent;
    /// [`Error::Unreachable`], [`Error::CircuitOpen`] and [`Error::Overloaded`] if nothing was sent;
    /// [`Error::InvalidReply`] if the reply cannot be interpreted.
    ///
    /// Source: [code2Session](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html),
    /// read 2026-11-23.
    pub async fn code_to_session(
        &self,
        app: &AppCredentials,
        code: &LoginCode,
    ) -> Result<Identity, Error> {
        let query = [
            ("appid", app.id.as_str()),
            ("secret", app.secret.expose()),
            ("js_code", code.expose()),
            ("grant_type", "authorization_code"),
        ];
        let mut reply = self
            .get(&app.id, Endpoint::CodeToSession, &query)
            .await
            .map_err(|error| error.explained(Reason::CodeInvalid, &hint(code)))?;
        Ok(Identity {
            openid: OpenId::new(reply.required("openid")?),
            session_key: Some(SessionKey::new(reply.required("session_key")?)),
            unionid: reply.optional("unionid").map(UnionId::new),
            is_snapshot: false,
        })
    }
}

/// Interprets the shape of a rejected login code.
fn hint(code: &LoginCode) -> String {
    match CodeShape::of(code.expose()) {
        CodeShape::Mock => "this is the mock code that DevTools returns without an AppID: open the project with its AppID".to_owned(),
        CodeShape::Login => "this one is shaped like a login code, so check its age and its AppID first".to_owned(),
        CodeShape::Phone => "this one is shaped like a phone number code, which is no login code: send the one from wx.login".to_owned(),
        shape @ (CodeShape::Truncated | CodeShape::Unknown) => format!("this one is {shape}"),
    }
}
