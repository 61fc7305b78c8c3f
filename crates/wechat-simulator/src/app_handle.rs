//! A test's view of the users of one app: codes for them, what their clients encrypt, and what WeChat calls them.
//!
//! Knows one app of a running simulator.
//! Never knows HTTP, faults or the other apps.

use std::fmt;
use std::sync::Arc;

use super::codes::Holder;
use super::encrypt_keys::EncryptKey;
use super::mint::{self, EncryptedData, Payload};
use super::options::App;
use super::payments::Payment;
use super::state::State;
use super::user::User;

/// What a running simulator knows of its users in one app.
pub struct AppHandle<'a> {
    pub(super) state: &'a State,
    pub(super) app: Arc<App>,
}

impl AppHandle<'_> {
    /// Gives the user of that name a code for the app, as `wx.login` would: good once, for five minutes.
    pub fn issue_code(&self, user: &str) -> String {
        let now = self.state.clock.now();
        let user = User::named(user);
        self.state.world().issue_code(&self.app, user, now)
    }

    /// Gives the user of that name a phone code, as a `getPhoneNumber` button would: good once, for five minutes.
    pub fn issue_phone_code(&self, user: &str) -> String {
        let mut world = self.state.world();
        let number = world.phone_codes.next_number();
        let text = world.identifiers.phone_code(number);
        let now = self.state.clock.now();
        world
            .phone_codes
            .issue(&self.app.id, &text, holder(user), now);
        text
    }

    /// Gives the user of that name a plugin code, as `wx.pluginLogin` would: good once, for five minutes.
    pub fn issue_plugin_code(&self, user: &str) -> String {
        let mut world = self.state.world();
        let number = world.plugin_codes.next_number();
        let text = world.identifiers.plugin_code(number);
        let now = self.state.clock.now();
        world
            .plugin_codes
            .issue(&self.app.id, &text, holder(user), now);
        text
    }

    /// Encrypts what the client of the user of that name gets at this moment, with the key that is current.
    pub fn encrypt(&self, user: &str, what: &Payload) -> EncryptedData {
        let now = self.state.clock.now();
        let mut world = self.state.world();
        mint::mint(&mut world, &self.app, &User::named(user), what, now)
    }

    /// The key by which the client of the user of that name encrypts what it sends to its own server.
    pub fn encrypt_key(&self, user: &str) -> Option<EncryptKey> {
        let now = self.state.clock.now();
        let openid = self.openid(user);
        let keys = self.state.world().encrypt_keys.latest(&openid, now);
        keys.into_iter().next()
    }

    /// Lets the user of that name pay, which makes their unionid known for five minutes.
    pub fn pay(&self, user: &str, payment: Payment) {
        let now = self.state.clock.now();
        let openid = self.openid(user);
        self.state.world().payments.push(openid, payment, now);
    }

    /// Lets a rival server renew the app's access tokens by force: those that are out are refused with 40001.
    pub fn invalidate_access_tokens(&self) {
        let now = self.state.clock.now();
        self.state.world().tokens.clobber(&self.app.id, now);
    }

    /// The openid of the user of that name.
    pub fn openid(&self, user: &str) -> String {
        self.state.world().openid(&self.app, &User::named(user))
    }

    /// The unionid of the user of that name, if the app is bound to an Open Platform account.
    pub fn unionid(&self, user: &str) -> Option<String> {
        self.state.world().unionid(&self.app, &User::named(user))
    }

    /// The session key that is current for the user of that name; none before the first login and after its expiry.
    pub fn session_key(&self, user: &str) -> Option<String> {
        let now = self.state.clock.now();
        let openid = self.openid(user);
        self.state.world().sessions.current(&openid, now)
    }
}

fn holder(user: &str) -> Holder {
    Holder {
        user: User::named(user),
        generation: None,
    }
}

impl fmt::Debug for AppHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AppHandle").field(&self.app.id).finish()
    }
}
