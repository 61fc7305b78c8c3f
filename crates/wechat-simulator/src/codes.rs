//! Which one-time codes exist, whose they are, and which have had their day: login codes, phone codes, plugin codes.
//!
//! Knows that a code works once, for five minutes, for one app.
//! Never knows openids, session keys or secrets; and keeps no code, only a digest of each.
//!
//! Memory: a code has an entry for its five minutes, and 8 bytes for ever after, so that none works twice in one
//! simulator's life. At most [`MOST_LIVING`] codes have an entry (about 30 MB): one more ends the oldest before its time.
//! When [`MOST_CODES`] (about 40 MB) are remembered, codes that the simulator did not issue itself are refused.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::identifiers::Identifiers;
use super::user::User;

/// How long a code lives: from its issue, or, if the simulator did not issue it, from its first use.
///
/// Source: [wx.login](https://developers.weixin.qq.com/miniprogram/dev/api/open-api/login/wx.login.html).
pub(super) const LIFETIME: Duration = Duration::from_mins(5);

/// How many codes are remembered. Our choice: what 2²² places of a hash set hold before it grows.
const MOST_CODES: usize = 3_670_016;

/// How many codes live at once. Our choice.
const MOST_LIVING: usize = 200_000;

/// All codes of one kind.
pub(super) struct Codes {
    identifiers: Identifiers,
    issued: u64,
    /// By digest.
    living: HashMap<u64, Code>,
    /// Digests of the living, oldest first.
    order: VecDeque<u64>,
    /// Digests of codes whose time is over.
    dead: HashSet<u64>,
    most_living: usize,
    most: usize,
}

struct Code {
    app_id: String,
    holder: Holder,
    used: bool,
    expires_at: Duration,
}

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) user: User,
    /// Which of the user's session keys the code brings, if that was settled when it was issued.
    pub(super) generation: Option<u64>,
}

/// What a code is that works for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It worked before, and its five minutes are not over.
    Used,
    /// Its time is over.
    Over,
    /// It is another app's.
    Foreign,
    /// It does not exist, and it is not of the form that is let through.
    Unknown,
    /// It does not exist, and no more of those can be let through.
    TooMany,
}

impl Codes {
    pub(super) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            issued: 0,
            living: HashMap::new(),
            order: VecDeque::new(),
            dead: HashSet::new(),
            most_living: MOST_LIVING,
            most: MOST_CODES,
        }
    }

    /// The number of the next code, from which its text follows.
    pub(super) fn next_number(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    /// Lets this text be a code for the app from now on.
    pub(super) fn issue(&mut self, app_id: &str, text: &str, holder: Holder, now: Duration) {
        let code = Code {
            app_id: app_id.to_owned(),
            holder,
            used: false,
            expires_at: now.saturating_add(LIFETIME),
        };
        self.insert(self.digest(text), code, now);
    }

    /// Whose code this is, if it still works for the app; it goes on working.
    ///
    /// The instant of expiry counts as over. A code that was never issued works if it is `plausible`.
    pub(super) fn holder(
        &self,
        app_id: &str,
        text: &str,
        plausible: fn(&str) -> bool,
        now: Duration,
    ) -> Result<Holder, Unusable> {
        let digest = self.digest(text);
        match self.living.get(&digest) {
            Some(code) if code.expires_at <= now => Err(Unusable::Over),
            Some(code) if code.app_id != app_id => Err(Unusable::Foreign),
            Some(code) if code.used => Err(Unusable::Used),
            Some(code) => Ok(code.holder.clone()),
            None if self.dead.contains(&digest) => Err(Unusable::Over),
            None if !plausible(text) => Err(Unusable::Unknown),
            None if self.living.len() + self.dead.len() >= self.most => Err(Unusable::TooMany),
            None => Ok(Holder {
                user: User::Stranger(digest),
                generation: None,
            }),
        }
    }

    /// Ends a code that [`holder`](Self::holder) found to work.
    pub(super) fn spend(&mut self, app_id: &str, text: &str, holder: Holder, now: Duration) {
        let digest = self.digest(text);
        if let Some(code) = self.living.get_mut(&digest) {
            code.used = true;
            return;
        }
        let code = Code {
            app_id: app_id.to_owned(),
            holder,
            used: true,
            expires_at: now.saturating_add(LIFETIME),
        };
        self.insert(digest, code, now);
    }

    fn insert(&mut self, digest: u64, code: Code, now: Duration) {
        while self.oldest_must_go(now) {
            if let Some(oldest) = self.order.pop_front() {
                self.living.remove(&oldest);
                // Once full, every unknown code is refused, this one too.
                if self.dead.len() < self.most {
                    self.dead.insert(oldest);
                }
            }
        }
        self.order.push_back(digest);
        self.living.insert(digest, code);
    }

    fn oldest_must_go(&self, now: Duration) -> bool {
        let oldest = self.order.front();
        let oldest = oldest.and_then(|digest| self.living.get(digest));
        oldest.is_some_and(|code| code.expires_at <= now || self.living.len() >= self.most_living)
    }

    fn digest(&self, text: &str) -> u64 {
        self.identifiers.derive_number("code digest", &[text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(most_living: usize, most: usize) -> Codes {
        Codes {
            most_living,
            most,
            ..Codes::new(Identifiers::new(7))
        }
    }

    #[test]
    fn the_memory_of_codes_is_bounded_and_forgets_no_refusal() {
        let mut codes = holding(1_000, 3_000);
        let text = |number: u64| format!("{number:032}");
        for number in 0..3_000 {
            let now = Duration::from_secs(number);
            let holder = codes.holder("wx", &text(number), |_| true, now).unwrap();
            codes.spend("wx", &text(number), holder, now);
        }
        assert_eq!(codes.living.len(), 300, "the living alone");
        assert_eq!(codes.living.len() + codes.dead.len(), 3_000);
        let now = Duration::from_mins(50);
        let refused = |number| codes.holder("wx", &text(number), |_| true, now).err();
        assert_eq!(refused(0), Some(Unusable::Over));
        assert_eq!(refused(2_999), Some(Unusable::Used));
        assert_eq!(refused(3_000), Some(Unusable::TooMany));
    }

    #[test]
    fn when_time_stands_still_the_oldest_codes_end_early() {
        let mut codes = holding(2, 3);
        for text in ["a", "b", "c", "d", "e", "f"] {
            let user = User::Named("mei".to_owned());
            let holder = Holder {
                user,
                generation: None,
            };
            codes.issue("wx", text, holder, Duration::ZERO);
        }
        let found = |text| codes.holder("wx", text, |_| true, Duration::ZERO);
        assert_eq!(found("a"), Err(Unusable::Over));
        assert_eq!(found("d"), Err(Unusable::TooMany), "no longer remembered");
        assert!(found("e").is_ok() && found("f").is_ok());
        assert_eq!((codes.dead.len(), codes.order.len()), (3, 2));
    }
}
