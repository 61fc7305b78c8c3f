//! A test's view of the users of one app: codes for them, and what WeChat calls them.
//!
//! Knows one app of a running simulator.
//! Never knows HTTP, faults or the other apps.

use std::fmt;
use std::sync::Arc;

use super::options::App;
use super::server::State;

/// What a running simulator knows of its users in one app.
pub struct InApp<'a> {
    pub(super) state: &'a State,
    pub(super) app: Arc<App>,
}

impl InApp<'_> {
    /// Gives the user of that name a code for the app, as `wx.login` would: good once, for five minutes.
    pub fn issue_code(&self, user: &str) -> String {
        let now = self.state.clock.now();
        self.state.world().issue_code(&self.app, user, now)
    }

    /// The openid of the user of that name.
    pub fn openid(&self, user: &str) -> String {
        self.state.world().openid(&self.app, user)
    }

    /// The unionid of the user of that name, if the app is bound to an Open Platform account.
    pub fn unionid(&self, user: &str) -> Option<String> {
        self.state.world().unionid(&self.app, user)
    }

    /// The session key that is current for the user of that name; none before the first login.
    pub fn session_key(&self, user: &str) -> Option<String> {
        self.state.world().session_key(&self.app, user)
    }
}

impl fmt::Debug for InApp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InApp").field(&self.app.id).finish()
    }
}
