//! Session keys: at most one is current for each user of each app, and every login may replace it.
//!
//! Keys are not stored: they are derived from the openid and a version number.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bounded::LruMap;
use crate::identifiers::Identifiers;
use crate::options::SessionKeyPolicy;
use crate::user_id::UserId;

/// Maximum number of users whose keys are kept, in all apps together (about 20 MB). Our choice.
const MAX_USERS: usize = 50_000;

/// The time after a user's visit in which texts of theirs can be checked.
///
/// Source: [msgSecCheck](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/sec-center/sec-check/msgSecCheck.html).
const VISIT: Duration = Duration::from_hours(2);

/// The session keys of the last [`MAX_USERS`] users who logged in.
pub(crate) struct SessionKeys {
    identifiers: Identifiers,
    pub(crate) policy: SessionKeyPolicy,
    /// By openid, which is unique per app and user.
    sessions: LruMap<Session>,
}

struct Session {
    app_id: String,
    user: UserId,
    logins: u64,
    /// The version of the current key, from 1.
    version: u64,
    expires_at: Duration,
    /// The number of encrypted data that the user's client received.
    encrypted: u64,
    /// The time at which the user was last in the mini program.
    seen_at: Duration,
}

impl SessionKeys {
    pub(crate) fn new(identifiers: Identifiers, policy: SessionKeyPolicy) -> Self {
        Self {
            identifiers,
            policy,
            sessions: LruMap::new(MAX_USERS),
        }
    }

    /// Logs the user in and returns the version of the current key.
    ///
    /// The first login, and the first after the key expired, creates a key. The policy decides about the others.
    pub(crate) fn log_in(&mut self, app_id: &str, user: &UserId, now: Duration) -> u64 {
        let (identifiers, policy) = (self.identifiers.clone(), self.policy);
        let openid = identifiers.openid(app_id, user);
        let session = self.session(app_id, user);
        session.logins += 1;
        let inputs = [&*openid, &session.logins.to_string()];
        let random = identifiers.number("key rotation", &inputs) % 100;
        if session.expires_at <= now || random < u64::from(policy.rotation_percent) {
            session.version += 1;
        }
        session.expires_at = now.saturating_add(policy.lifetime);
        session.seen_at = now;
        session.version
    }

    /// Replaces the current key and returns the new one, which expires when the old one would have.
    ///
    /// Source: [ResetUserSessionKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html).
    pub(crate) fn reset(&mut self, app_id: &str, user: &UserId) -> String {
        let openid = self.identifiers.openid(app_id, user);
        let session = self.session(app_id, user);
        session.version += 1;
        let version = session.version;
        self.key(&openid, version)
    }

    /// Returns the version of the key that the user's client encrypts with now, and the number of the encrypted data.
    ///
    /// A client without a key gets one that no server has, as if it had called `wx.login` and dropped the code.
    pub(crate) fn encrypt(&mut self, app_id: &str, user: &UserId, now: Duration) -> (u64, u64) {
        let openid = self.identifiers.openid(app_id, user);
        if self.current(&openid, now).is_none() {
            self.log_in(app_id, user, now);
        }
        let session = self.session(app_id, user);
        session.encrypted += 1;
        session.seen_at = now;
        (session.version, session.encrypted)
    }

    /// Returns the user's key, if there is one and it has not expired.
    pub(crate) fn current(&self, openid: &str, now: Duration) -> Option<String> {
        let session = self.sessions.peek(openid)?;
        (session.expires_at > now).then(|| self.key(openid, session.version))
    }

    /// Returns the user of the app with this openid, if they logged in.
    pub(crate) fn user(&self, app_id: &str, openid: &str) -> Option<&UserId> {
        let session = self.sessions.peek(openid);
        let session = session.filter(|session| session.app_id == app_id)?;
        Some(&session.user)
    }

    /// Returns `true` if the openid is that of a user of another app.
    pub(crate) fn is_of_another_app(&self, app_id: &str, openid: &str) -> bool {
        let session = self.sessions.peek(openid);
        session.is_some_and(|session| session.app_id != app_id)
    }

    /// Returns `true` if the user was in the mini program in the last two hours.
    pub(crate) fn was_seen(&self, app_id: &str, openid: &str, now: Duration) -> bool {
        let session = self.sessions.peek(openid);
        session.is_some_and(|session| {
            session.app_id == app_id && now < session.seen_at.saturating_add(VISIT)
        })
    }

    /// Returns the key with this version, as base64.
    pub(crate) fn key(&self, openid: &str, version: u64) -> String {
        STANDARD.encode(self.identifiers.session_key(openid, version))
    }

    fn session(&mut self, app_id: &str, user: &UserId) -> &mut Session {
        let openid = self.identifiers.openid(app_id, user);
        self.sessions.get_or_insert_with(&openid, || Session {
            app_id: app_id.to_owned(),
            user: user.clone(),
            logins: 0,
            version: 0,
            expires_at: Duration::ZERO,
            encrypted: 0,
            seen_at: Duration::ZERO,
        })
    }
}
