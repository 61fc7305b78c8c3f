//! Which login codes exist, whose they are, and which have had their day.
//!
//! Knows that a code works once, for five minutes, for one app.
//! Never knows openids, session keys or secrets; and keeps no code, only a digest of each.
//!
//! Memory: a code has an entry for its five minutes, and 8 bytes for ever after, so that none works twice in one
//! simulator's life. At [`MOST_CODES`] (about 40 MB) codes that the simulator did not issue itself are refused as over
//! the day's quota.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::identifiers::{Identifiers, is_shaped_like_a_login_code};
use super::refusal::{CODE_USED, DAY_QUOTA_SPENT, INVALID_CODE, Refusal};
use super::user::User;

/// How long a code lives: from its issue, or, if the simulator did not issue it, from its first use.
///
/// Source: [wx.login](https://developers.weixin.qq.com/miniprogram/dev/api/open-api/login/wx.login.html).
const LIFETIME: Duration = Duration::from_mins(5);

/// How many codes are remembered. Our choice: what 2²² places of a hash set hold before it grows.
const MOST_CODES: usize = 3_670_016;

/// How many living codes are looked through at least before the dead among them are sought. Our choice.
const LEAST_SWEEP: usize = 1024;

/// All login codes of one simulator.
pub(super) struct Codes {
    identifiers: Identifiers,
    issued: u64,
    recent: HashMap<u64, Code>,
    /// Digests of codes whose time is over.
    dead: HashSet<u64>,
    sweep_at: usize,
    most: usize,
}

struct Code {
    app_id: String,
    user: User,
    used: bool,
    expires_at: Duration,
}

impl Codes {
    pub(super) fn new(identifiers: Identifiers) -> Self {
        Self::holding(MOST_CODES, identifiers)
    }

    /// Remembers at most so many codes.
    pub(super) fn holding(most: usize, identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            issued: 0,
            recent: HashMap::new(),
            dead: HashSet::new(),
            sweep_at: LEAST_SWEEP,
            most,
        }
    }

    /// Gives the user a code for the app.
    pub(super) fn issue(&mut self, app_id: &str, user: User, now: Duration) -> String {
        self.issued += 1;
        let text = self.identifiers.login_code(self.issued);
        let code = Code {
            app_id: app_id.to_owned(),
            user,
            used: false,
            expires_at: now.saturating_add(LIFETIME),
        };
        self.insert(self.digest(&text), code, now);
        text
    }

    /// Whose code this is, if it still works for the app; it goes on working.
    ///
    /// The instant of expiry counts as over. A code that was never issued works if it looks like one.
    pub(super) fn holder(&self, app_id: &str, text: &str, now: Duration) -> Result<User, Refusal> {
        let digest = self.digest(text);
        match self.recent.get(&digest) {
            Some(code) if code.expires_at <= now || code.app_id != app_id => Err(INVALID_CODE),
            Some(code) if code.used => Err(CODE_USED),
            Some(code) => Ok(code.user.clone()),
            None if self.dead.contains(&digest) => Err(INVALID_CODE),
            None if !is_shaped_like_a_login_code(text) => Err(INVALID_CODE),
            None if self.recent.len() + self.dead.len() >= self.most => Err(DAY_QUOTA_SPENT),
            None => Ok(User::Stranger(digest)),
        }
    }

    /// Ends a code that [`holder`](Self::holder) found to work.
    pub(super) fn spend(&mut self, app_id: &str, text: &str, now: Duration) {
        let digest = self.digest(text);
        if let Some(code) = self.recent.get_mut(&digest) {
            code.used = true;
            return;
        }
        let code = Code {
            app_id: app_id.to_owned(),
            user: User::Stranger(digest),
            used: true,
            expires_at: now.saturating_add(LIFETIME),
        };
        self.insert(digest, code, now);
    }

    fn insert(&mut self, digest: u64, code: Code, now: Duration) {
        if self.recent.len() >= self.sweep_at {
            let expired = self.recent.extract_if(|_, code| code.expires_at <= now);
            self.dead.extend(expired.map(|(digest, _)| digest));
            self.sweep_at = LEAST_SWEEP.max(2 * self.recent.len());
        }
        self.recent.insert(digest, code);
    }

    fn digest(&self, text: &str) -> u64 {
        self.identifiers.derive_number("code digest", &[text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_codes_is_bounded_and_forgets_no_refusal() {
        let identifiers = Identifiers::new(7);
        let mut codes = Codes::holding(3_000, identifiers);
        let text = |number: u64| format!("{number:032}");
        for number in 0..3_000 {
            let now = Duration::from_secs(number);
            assert_eq!(codes.holder("wx", &text(number), now).err(), None);
            codes.spend("wx", &text(number), now);
        }
        assert!(codes.recent.len() <= LEAST_SWEEP, "the living alone");
        assert_eq!(codes.recent.len() + codes.dead.len(), 3_000);
        let now = Duration::from_mins(50);
        let refused = |number| codes.holder("wx", &text(number), now).err();
        assert_eq!(refused(0), Some(INVALID_CODE));
        assert_eq!(refused(2_999), Some(CODE_USED));
        assert_eq!(refused(3_000), Some(DAY_QUOTA_SPENT));
    }
}
