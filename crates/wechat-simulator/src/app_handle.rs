//! The handle of one app of a simulator: issues codes, encrypts data and records payments for its users.

use std::fmt;
use std::sync::Arc;

use crate::app::App;
use crate::payload::{EncryptedData, Payload};
use crate::state::Shared;
use crate::state::codes::Owner;
use crate::state::encrypt_keys::EncryptKey;
use crate::state::history::Payment;
use crate::user_id::UserId;

/// An app of a running simulator. Users are identified by name, and any name is a user.
#[derive(Clone)]
pub struct AppHandle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) app: Arc<App>,
}

impl AppHandle {
    /// Returns the AppID.
    pub fn id(&self) -> &str {
        &self.app.id
    }

    /// Returns the AppSecret.
    pub fn secret(&self) -> &str {
        &self.app.secret
    }

    /// Issues a login code to the user, as `wx.login` does. It works once, for five minutes.
    pub fn issue_code(&self, user: &str) -> String {
        let mut state = self.shared.lock();
        let now = state.now();
        state.issue_login_code(&self.app, UserId::named(user), now)
    }

    /// Makes a login code that another WeChat has issued one of this user's, as if it were issued now. Returns `false` if the
    /// code is known already, or does not have the format of a login code.
    pub fn adopt_code(&self, code: &str, user: &str) -> bool {
        let mut state = self.shared.lock();
        let (owner, now) = (Owner::new(UserId::named(user)), state.now());
        state.login_codes.adopt(&self.app.id, code, owner, now)
    }

    /// Issues a phone code to the user, as a `getPhoneNumber` button does. It works once, for five minutes.
    pub fn issue_phone_code(&self, user: &str) -> String {
        let mut state = self.shared.lock();
        let (owner, now) = (Owner::new(UserId::named(user)), state.now());
        state.phone_codes.issue(&self.app.id, owner, now)
    }

    /// Issues a plugin code to the user, as `wx.pluginLogin` does. It works once, for five minutes.
    pub fn issue_plugin_code(&self, user: &str) -> String {
        let mut state = self.shared.lock();
        let (owner, now) = (Owner::new(UserId::named(user)), state.now());
        state.plugin_codes.issue(&self.app.id, owner, now)
    }

    /// Encrypts data as the user's client would receive it now, with the current session key.
    pub fn encrypt(&self, user: &str, payload: &Payload) -> EncryptedData {
        let mut state = self.shared.lock();
        EncryptedData::new(&mut state, &self.app, &UserId::named(user), payload)
    }

    /// Returns the key with which the user's client encrypts its requests to its own server.
    pub fn encrypt_key(&self, user: &str) -> Option<EncryptKey> {
        let mut state = self.shared.lock();
        let (openid, now) = (state.openid(&self.app, &UserId::named(user)), state.now());
        let keys = state.encrypt_keys.latest(&openid, now);
        keys.into_iter().next()
    }

    /// Records a payment by the user, which makes their unionid available for five minutes.
    pub fn pay(&self, user: &str, payment: Payment) {
        let mut state = self.shared.lock();
        let (openid, now) = (state.openid(&self.app, &UserId::named(user)), state.now());
        state.payments.push(openid, payment, now);
    }

    /// Invalidates the app's access tokens, as another server does by forcing a new one: they get error 40001.
    pub fn invalidate_access_tokens(&self) {
        let mut state = self.shared.lock();
        let now = state.now();
        state.access_tokens.invalidate(&self.app.id, now);
    }

    /// Allows one message of this template, as a tap on the dialog of `wx.requestSubscribeMessage` does.
    pub fn subscribe(&self, user: &str, template_id: &str) {
        let mut state = self.shared.lock();
        let openid = state.openid(&self.app, &UserId::named(user));
        state.messages.subscribe(&openid, template_id);
    }

    /// Records that the user wrote to customer service, which allows five answers in 48 hours.
    pub fn write_to_customer_service(&self, user: &str) {
        let mut state = self.shared.lock();
        let (openid, now) = (state.openid(&self.app, &UserId::named(user)), state.now());
        state.messages.receive(&openid, now);
    }

    /// Returns the user's openid.
    pub fn openid(&self, user: &str) -> String {
        let state = self.shared.lock();
        state.openid(&self.app, &UserId::named(user))
    }

    /// Returns the user's unionid, if the app belongs to an Open Platform account.
    pub fn unionid(&self, user: &str) -> Option<String> {
        let state = self.shared.lock();
        state.unionid(&self.app, &UserId::named(user))
    }

    /// Returns the user's current session key, if the user logged in and it has not expired.
    pub fn session_key(&self, user: &str) -> Option<String> {
        let state = self.shared.lock();
        let openid = state.openid(&self.app, &UserId::named(user));
        state.session_keys.current(&openid, state.now())
    }
}

/// Omits the AppSecret.
impl fmt::Debug for AppHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AppHandle").field(&self.app.id).finish()
    }
}
