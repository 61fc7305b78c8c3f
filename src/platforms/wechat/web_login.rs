//! Logins with a web page: the URL of the page, and the exchange of its code (`sns/oauth2`).

use reqwest::Url;

use crate::identity::{LoginCode, OpenId, UnionId};
use crate::platforms::error::Error;
use crate::platforms::platform::{AppCredentials, AuthorizePage, Identity};
use crate::platforms::rejection::Reason;
use crate::platforms::wechat::client::Client;
use crate::platforms::wechat::endpoint::Endpoint;
use crate::settings::AppKind;

/// The hint for a rejected code.
const HINT: &str = "a code of the login page works once, within 5 minutes, and a page that is reloaded sends its code again: remove the \
    code from the URL";

/// Returns the URL of the login page below `pages`. Its parameters have the order of the documentation, which WeChat requires.
///
/// Source: [web page authorization](https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html)
/// and [website login](https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html), read 2026-11-27.
pub(super) fn authorize_url(
    pages: &str,
    app: &AppCredentials,
    page: &AuthorizePage<'_>,
) -> Option<String> {
    let (path, scope) = match app.kind {
        AppKind::MiniProgram => return None,
        AppKind::Website => ("/connect/qrconnect", "snsapi_login"),
        AppKind::OfficialAccount if page.with_consent => {
            ("/connect/oauth2/authorize", "snsapi_userinfo")
        }
        AppKind::OfficialAccount => ("/connect/oauth2/authorize", "snsapi_base"),
    };
    let query = [
        ("appid", app.id.as_str()),
        ("redirect_uri", page.redirect),
        ("response_type", "code"),
        ("scope", scope),
        ("state", page.state),
    ];
    let mut url = Url::parse_with_params(&format!("{pages}{path}"), query).ok()?;
    url.set_fragment(Some("wechat_redirect"));
    Some(url.into())
}

impl Client {
    /// Exchanges the code of a login page. The access token of the user in the reply is not kept.
    ///
    /// # Errors
    /// As [`Client::code_to_session`].
    ///
    /// Source: as that of `authorize_url`.
    pub async fn web_identity(
        &self,
        app: &AppCredentials,
        code: &LoginCode,
    ) -> Result<Identity, Error> {
        let query = [
            ("appid", app.id.as_str()),
            ("secret", app.secret.expose()),
            ("code", code.expose()),
            ("grant_type", "authorization_code"),
        ];
        let mut reply = self
            .get(&app.id, Endpoint::WebToken, &query)
            .await
            .map_err(|error| error.explained(Reason::CodeInvalid, HINT))?;
        Ok(Identity {
            openid: OpenId::new(reply.required("openid")?),
            session_key: None,
            unionid: reply.optional("unionid").map(UnionId::new),
            is_snapshot: reply
                .required_number("is_snapshotuser")
                .is_ok_and(|flag| flag == 1),
        })
    }
}
