//! Which session key is current for each user of each app: never more than one, and it may be replaced at any login.
//!
//! Knows when a key is made, replaced and over, and how many things a user's client has encrypted with it.
//! Never knows codes, tokens or HTTP; nor the keys themselves, which follow from an openid and a number.
//!
//! Memory: a few words for each of the [`MOST_USERS`] users who logged in last (about 20 MB).

use std::time::Duration;

use super::identifiers::Identifiers;
use super::options::{RotateAt, SessionKeyPolicy};
use super::recent::Recent;
use super::user::User;

/// How many users' keys are remembered, of all apps together. Our choice.
const MOST_USERS: usize = 50_000;

/// The session keys of all users.
pub(super) struct Sessions {
    identifiers: Identifiers,
    laws: SessionKeyPolicy,
    /// By openid, which exists once for each app and user.
    held: Recent<Session>,
}

/// A user of an app.
pub(super) struct Who<'a> {
    pub(super) app_id: &'a str,
    pub(super) openid: &'a str,
    pub(super) user: &'a User,
}

struct Session {
    app_id: String,
    user: User,
    logins: u64,
    /// Which of the user's keys is current, counted from 1.
    generation: u64,
    expires_at: Duration,
    encrypted: u64,
}

impl Sessions {
    pub(super) fn new(identifiers: Identifiers, laws: SessionKeyPolicy) -> Self {
        Self {
            identifiers,
            laws,
            held: Recent::holding(MOST_USERS),
        }
    }

    /// Goes by these laws from now on.
    pub(super) fn go_by(&mut self, laws: SessionKeyPolicy) {
        self.laws = laws;
    }

    pub(super) fn laws(&self) -> SessionKeyPolicy {
        self.laws
    }

    pub(super) fn rotate_at(&self) -> RotateAt {
        self.laws.rotate_at
    }

    /// Logs the user in once more, and tells which of their keys is current from now on.
    ///
    /// The first login always makes a key, and so does one after the last key has expired; any other may.
    pub(super) fn log_in(&mut self, who: &Who<'_>, now: Duration) -> u64 {
        let (identifiers, laws) = (self.identifiers, self.laws);
        let session = self.session(who);
        session.logins += 1;
        let parts = [who.openid, &session.logins.to_string()];
        let drawn = identifiers.derive_number("key rotation", &parts) % 100;
        let over = session.expires_at <= now;
        if over || drawn < u64::from(laws.rotation_percent) {
            session.generation += 1;
        }
        session.expires_at = now.saturating_add(laws.lifetime);
        session.generation
    }

    /// Replaces the current key; the new one lives no longer than the old one would have.
    ///
    /// Source: [ResetUserSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html).
    pub(super) fn reset(&mut self, who: &Who<'_>) -> String {
        let session = self.session(who);
        session.generation += 1;
        let generation = session.generation;
        self.key(who.openid, generation)
    }

    /// Which key the user's client encrypts with at this moment, and the number of what it encrypts.
    ///
    /// A client without a key gets one that no server holds, as if it had called `wx.login` and kept the code.
    pub(super) fn encrypt(&mut self, who: &Who<'_>, now: Duration) -> (u64, u64) {
        if self.current(who.openid, now).is_none() {
            self.log_in(who, now);
        }
        let session = self.session(who);
        session.encrypted += 1;
        (session.generation, session.encrypted)
    }

    /// The user's key, unless there is none or its time is over.
    pub(super) fn current(&self, openid: &str, now: Duration) -> Option<String> {
        let session = self.held.get(openid)?;
        (session.expires_at > now).then(|| self.key(openid, session.generation))
    }

    /// Which user of the app the openid stands for, if they logged in lately.
    pub(super) fn user(&self, app_id: &str, openid: &str) -> Option<&User> {
        let session = self.held.get(openid);
        let session = session.filter(|session| session.app_id == app_id)?;
        Some(&session.user)
    }

    /// The user's key of that number.
    pub(super) fn key(&self, openid: &str, generation: u64) -> String {
        self.identifiers.session_key(openid, generation)
    }

    fn session(&mut self, who: &Who<'_>) -> &mut Session {
        self.held.touch(who.openid, || Session {
            app_id: who.app_id.to_owned(),
            user: who.user.clone(),
            logins: 0,
            generation: 0,
            expires_at: Duration::ZERO,
            encrypted: 0,
        })
    }
}
