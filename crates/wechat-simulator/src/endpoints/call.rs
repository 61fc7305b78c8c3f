//! A call of an endpoint, with the checks that endpoints have in common.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::app::App;
use crate::crypto::sign_call;
use crate::errors::{
    ACCESS_TOKEN_MISSING, APPID_MISSING, APPSECRET_MISSING, ApiError, EMPTY_BODY, INVALID_APPID,
    INVALID_APPSECRET, INVALID_GRANT_TYPE, INVALID_OPENID, INVALID_SIG_METHOD, INVALID_SIGNATURE,
    INVALID_URL, MALFORMED_BODY, OPENID_MISSING,
};
use crate::request_log::RecordedRequest;
use crate::state::State;
use crate::user_id::UserId;

/// A call of an endpoint: the request, the time, and the state it reads and changes.
pub(super) struct Call<'a> {
    pub(super) state: &'a mut State,
    pub(super) request: &'a RecordedRequest,
    pub(super) now: Duration,
}

impl Call<'_> {
    /// Returns a parameter of the query or, where the endpoint accepts one, of a form. WeChat treats an empty one as missing.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let in_query = self.request.parameter(name).map(str::to_owned);
        let value = in_query.or_else(|| {
            let mut form = self.request.form().into_iter();
            form.find(|(known, _)| known == name)
                .map(|(_, value)| value)
        });
        value.filter(|value| !value.is_empty())
    }

    /// Returns the JSON object in the body.
    pub(super) fn body(&self) -> Result<Map<String, Value>, ApiError> {
        if self.request.body.is_empty() {
            return Err(EMPTY_BODY);
        }
        match serde_json::from_slice(&self.request.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(MALFORMED_BODY),
        }
    }

    /// Returns the app with this AppID.
    pub(super) fn app_by_id(&self, app_id: Option<&str>) -> Result<Arc<App>, ApiError> {
        let app_id = app_id.ok_or(APPID_MISSING)?;
        self.state.app(app_id).ok_or(INVALID_APPID)
    }

    /// Checks the parameter `grant_type`.
    pub(super) fn check_grant_type(&self, expected: &str) -> Result<(), ApiError> {
        if self.parameter("grant_type").as_deref() == Some(expected) {
            Ok(())
        } else {
            Err(INVALID_GRANT_TYPE)
        }
    }

    /// Checks the AppSecret, and counts the call.
    pub(super) fn check_secret(
        &mut self,
        app: Arc<App>,
        secret: Option<&str>,
    ) -> Result<Arc<App>, ApiError> {
        if app.secret != secret.ok_or(APPSECRET_MISSING)? {
            return Err(INVALID_APPSECRET);
        }
        self.count(app)
    }

    /// Returns the app of the access token, and counts the call.
    pub(super) fn app_by_token(&mut self) -> Result<Arc<App>, ApiError> {
        let token = self.parameter("access_token").ok_or(ACCESS_TOKEN_MISSING)?;
        let app_id = self.state.access_tokens.app_id(&token, self.now)?;
        let app = self.state.app(app_id).ok_or(INVALID_APPID)?;
        self.count(app)
    }

    /// Returns the app that the call is about, if it identifies one.
    pub(super) fn app_id(&self) -> Option<String> {
        let fields = self.body().unwrap_or_default();
        let in_body = || text(&fields, "appid").map(str::to_owned);
        let app_id = self.parameter("appid").or_else(in_body);
        if let Some(app) = app_id.and_then(|app_id| self.state.app(&app_id)) {
            return Some(app.id.clone());
        }
        let token = self.parameter("access_token")?;
        let app_id = self.state.access_tokens.app_id(&token, self.now);
        app_id.ok().map(str::to_owned)
    }

    /// Returns the openid in the query and its user, if the user logged in to the app.
    pub(super) fn user(&self, app: &App) -> Result<(String, UserId), ApiError> {
        let openid = self.parameter("openid").ok_or(OPENID_MISSING)?;
        let user = self.state.session_keys.user(&app.id, &openid);
        let user = user.ok_or(INVALID_OPENID)?.clone();
        Ok((openid, user))
    }

    /// Checks that the call is signed with the user's current session key; `no_key` is the error without such a key.
    ///
    /// The signed text is empty, and the HMAC key is the base64 text of the session key.
    pub(super) fn check_signature(&self, openid: &str, no_key: ApiError) -> Result<(), ApiError> {
        if self.parameter("sig_method").as_deref() != Some("hmac_sha256") {
            return Err(INVALID_SIG_METHOD);
        }
        let key = self.state.session_keys.current(openid, self.now);
        let expected = sign_call("", &key.ok_or(no_key)?);
        if self.parameter("signature") == Some(expected) {
            Ok(())
        } else {
            Err(INVALID_SIGNATURE)
        }
    }

    /// Counts a call of the app.
    pub(super) fn count(&mut self, app: Arc<App>) -> Result<Arc<App>, ApiError> {
        let endpoint = self.request.endpoint.ok_or(INVALID_URL)?;
        self.state.quotas.count_call(&app.id, endpoint, self.now)?;
        Ok(app)
    }
}

/// Returns the text in a field, unless it is missing, empty or not a text.
pub(super) fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = fields.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}
