//! Fetches access tokens (`stable_token`).

use std::time::Duration;

use serde_json::json;

use crate::identity::AccessTokenText;
use crate::platforms::error::Error;
use crate::platforms::platform::{AccessToken, AppCredentials};
use crate::platforms::wechat::client::Client;
use crate::platforms::wechat::endpoint::Endpoint;

/// Maximum lifetime of a token, in seconds. A longer one in a reply is clamped.
///
/// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html),
/// read 2026-11-23.
const MAX_LIFETIME_SECONDS: i64 = 7200;

impl Client {
    /// Fetches the app's current access token. One round trip, except after errcode -1.
    ///
    /// A repeated call returns the same token with the remaining seconds, or in its last 5 minutes a new one, with which the
    /// old one works in parallel. So it disturbs no other process. WeChat allows 10,000 calls a minute and 500,000 a day.
    ///
    /// # Errors
    /// [`Error::Rejected`] with [`Reason::Misconfigured`](crate::platforms::Reason::Misconfigured) if the AppID, the
    /// AppSecret or this machine's address is wrong; otherwise as [`Client::code_to_session`].
    ///
    /// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html),
    /// read 2026-11-23.
    pub async fn stable_access_token(&self, app: &AppCredentials) -> Result<AccessToken, Error> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": app.id.as_str(),
            "secret": app.secret.expose(),
            "force_refresh": false,
        });
        let mut reply = self
            .post(&app.id, Endpoint::StableToken, &[], &body)
            .await?;
        let token = AccessTokenText::new(reply.required("access_token")?);
        let seconds = reply.required_number("expires_in")?;
        let seconds = seconds.clamp(0, MAX_LIFETIME_SECONDS).unsigned_abs();
        Ok(AccessToken {
            token,
            expires_in: Duration::from_secs(seconds),
        })
    }
}
