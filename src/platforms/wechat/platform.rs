//! WeChat as a login platform.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::identity::{
    AccessTokenText, LoginCode, OpenId, PhoneCode, PhoneNumber, PlatformName, SessionKey, UnionId,
};
use crate::platforms::access_token::{AccessTokenCache, AccessTokens, TokenFuture, TokenSource};
use crate::platforms::error::{CallError, Error};
use crate::platforms::http::HttpConfig;
use crate::platforms::payment::Payment;
use crate::platforms::platform::{
    AppCredentials, AuthorizePage, DecryptError, Decrypted, DecryptionTerms, EncryptedData,
    Identity, LoginFacts, Platform, PlatformFuture, SessionKeyReset, SessionKeyStatus,
};
use crate::platforms::rejection::Rejection;
use crate::platforms::wechat::client::Client;
use crate::platforms::wechat::code_shape::{self, CodeShape};
use crate::platforms::wechat::diagnosis::Diagnosis;
use crate::platforms::wechat::encrypted_data;
use crate::platforms::wechat::web_login;

/// WeChat, with the connections of one worker.
pub struct WeChat {
    client: Client,
    pages: Arc<str>,
    tokens: AccessTokens,
}

impl WeChat {
    /// Creates a worker's instance, which shares the access tokens in the cache with the other workers.
    pub fn new(config: &HttpConfig, pages: Arc<str>, cache: Arc<AccessTokenCache>) -> Self {
        let client = Client::new(config);
        let tokens = AccessTokens::new(Arc::new(client.clone()), cache);
        Self {
            client,
            pages,
            tokens,
        }
    }
}

impl TokenSource for Client {
    fn platform(&self) -> &'static str {
        PlatformName::Wechat.as_str()
    }

    fn fetch<'a>(&'a self, app: &'a AppCredentials) -> TokenFuture<'a> {
        Box::pin(self.stable_access_token(app))
    }
}

impl Platform for WeChat {
    fn exchange_code<'a>(
        &'a self,
        app: &'a AppCredentials,
        code: &'a LoginCode,
    ) -> PlatformFuture<'a, Identity, Error> {
        Box::pin(async move {
            if app.kind.is_web() {
                return self.client.web_identity(app, code).await;
            }
            self.client.code_to_session(app, code).await
        })
    }

    fn authorize_url(&self, app: &AppCredentials, page: &AuthorizePage<'_>) -> Option<String> {
        web_login::authorize_url(&self.pages, app, page)
    }

    fn diagnose(&self, rejection: &Rejection, login: &LoginFacts<'_>) -> String {
        Diagnosis::new(rejection, login).to_string()
    }

    fn prepare<'a>(
        &'a self,
        app: &'a AppCredentials,
        now: Timestamp,
    ) -> PlatformFuture<'a, (), CallError> {
        Box::pin(async move { self.tokens.get(app, now).await.map(|_token| ()) })
    }

    fn is_possible_code(&self, code: &str) -> bool {
        code_shape::is_possible(code)
    }

    fn is_login_code(&self, code: &PhoneCode) -> bool {
        matches!(
            CodeShape::of(code.expose()),
            CodeShape::Login | CodeShape::Mock
        )
    }

    fn phone_number<'a>(
        &'a self,
        app: &'a AppCredentials,
        code: &'a PhoneCode,
        openid: &'a OpenId,
        now: Timestamp,
    ) -> PlatformFuture<'a, PhoneNumber, CallError> {
        let call = async move |token: &AccessTokenText| {
            self.client.phone_number(&app.id, token, code, openid).await
        };
        Box::pin(self.tokens.with_token(app, now, call))
    }

    fn check_session_key<'a>(
        &'a self,
        app: &'a AppCredentials,
        openid: &'a OpenId,
        key: &'a SessionKey,
        now: Timestamp,
    ) -> PlatformFuture<'a, SessionKeyStatus, CallError> {
        let call = async move |token: &AccessTokenText| {
            let client = &self.client;
            client.check_session_key(&app.id, token, openid, key).await
        };
        Box::pin(self.tokens.with_token(app, now, call))
    }

    fn reset_session_key<'a>(
        &'a self,
        app: &'a AppCredentials,
        openid: &'a OpenId,
        key: &'a SessionKey,
        now: Timestamp,
    ) -> PlatformFuture<'a, SessionKeyReset, CallError> {
        let call = async move |token: &AccessTokenText| {
            let client = &self.client;
            client.reset_session_key(&app.id, token, openid, key).await
        };
        Box::pin(self.tokens.with_token(app, now, call))
    }

    fn paid_unionid<'a>(
        &'a self,
        app: &'a AppCredentials,
        openid: &'a OpenId,
        payment: &'a Payment,
        now: Timestamp,
    ) -> PlatformFuture<'a, UnionId, CallError> {
        let call = async move |token: &AccessTokenText| {
            let client = &self.client;
            client.paid_unionid(&app.id, token, openid, payment).await
        };
        Box::pin(self.tokens.with_token(app, now, call))
    }

    fn decrypt(
        &self,
        key: &SessionKey,
        data: &EncryptedData<'_>,
        terms: &DecryptionTerms<'_>,
    ) -> Result<Decrypted, DecryptError> {
        encrypted_data::decrypt(key, data, terms)
    }
}

impl fmt::Debug for WeChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeChat").finish_non_exhaustive()
    }
}
