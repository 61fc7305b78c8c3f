//! Fetches access tokens.
//!
//! Knows the `stable_token` wire format.
//! Never knows where a token is kept, who else asks for one, or when it is renewed.

use std::time::Duration;

use serde_json::json;

use crate::identity::AccessTokenText;
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::error::Error;
use crate::platforms::wechat::{App, Client};

/// The longest life of a token, in seconds: a longer one is not believed.
///
/// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html),
/// read 2026-11-23.
const MAX_LIFETIME_SECONDS: i64 = 7200;

/// What opens WeChat's other endpoints. `Debug` does not show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token itself.
    pub token: AccessTokenText,
    /// How long it works, counted from the answer: at most 2 hours, and at least 5 minutes as WeChat documents it.
    pub expires_in: Duration,
}

impl Client {
    /// Asks for the access token that is in force. One round trip, but for errcode -1.
    ///
    /// Asking again gives the same token with the seconds that are left, or in its last 5 minutes a new one beside which
    /// the old one still works. So it does no harm to anybody; it is limited to 10 000 calls a minute and 500 000 a day.
    ///
    /// # Errors
    /// [`Error::Refused`] with class [`Misconfigured`](crate::platforms::wechat::Class::Misconfigured) if the AppID, the AppSecret or
    /// this machine's address is not the right one; else as [`Client::code_to_session`].
    ///
    /// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html),
    /// read 2026-11-23.
    pub async fn stable_access_token(&self, app: &App) -> Result<AccessToken, Error> {
        self.fetch(app, Endpoint::StableToken, false).await
    }

    /// Kills the access token that is in force, and asks for another. For one that has leaked, and for nothing else.
    ///
    /// WeChat allows it 20 times a day and once in 30 seconds; beyond that it answers the old token. Never sent twice.
    ///
    /// # Errors
    /// As [`Client::stable_access_token`]; after [`Error::TimedOut`] and [`Error::ConnectionLost`] the old token may be dead.
    ///
    /// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html),
    /// read 2026-11-23.
    pub async fn replace_leaked_access_token(&self, app: &App) -> Result<AccessToken, Error> {
        self.fetch(app, Endpoint::FreshToken, true).await
    }

    async fn fetch(
        &self,
        app: &App,
        endpoint: Endpoint,
        force_refresh: bool,
    ) -> Result<AccessToken, Error> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": app.id.as_str(),
            "secret": app.secret.expose(),
            "force_refresh": force_refresh,
        });
        let mut answer = self.post(&app.id, endpoint, &[], &body).await?;
        let token = AccessTokenText::new(answer.required("access_token")?);
        let seconds = answer.required_number("expires_in")?;
        let seconds = seconds.clamp(0, MAX_LIFETIME_SECONDS).unsigned_abs();
        Ok(AccessToken {
            token,
            expires_in: Duration::from_secs(seconds),
        })
    }
}
