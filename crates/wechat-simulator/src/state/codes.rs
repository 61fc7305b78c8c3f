//! One-time codes: login codes, phone codes and plugin codes.
//!
//! A code works once, for five minutes, for one app. Codes that the simulator did not issue also work once if they have
//! the right format, so that codes captured elsewhere can be replayed, unless only issued ones are accepted. Only digests of codes are kept.
//!
//! Memory: an entry per code for its five minutes (at most [`MAX_ACTIVE`], about 30 MB; beyond that the oldest expires
//! early), then 8 bytes so that no code works twice. When [`MAX_CODES`] (about 40 MB) are known, unissued codes are
//! rejected.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::errors::{ApiError, CODE_USED, DAILY_QUOTA_EXCEEDED, INVALID_CODE};
use crate::identifiers::Identifiers;
use crate::user_id::UserId;

/// Lifetime of a code from its issue or, for an unissued code, from its first use.
///
/// Source: [wx.login](https://developers.weixin.qq.com/miniprogram/dev/api/open-api/login/wx.login.html).
pub(crate) const LIFETIME: Duration = Duration::from_mins(5);

/// Maximum number of codes known. Our choice: the capacity of a hash set of 2²² slots.
const MAX_CODES: usize = 3_670_016;

/// Maximum number of unexpired codes. Our choice.
const MAX_ACTIVE: usize = 200_000;

/// The kind of a code, which decides its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeKind {
    Login,
    Phone,
    Plugin,
    Web,
}

impl CodeKind {
    fn issue(self, identifiers: &Identifiers, number: u64) -> String {
        match self {
            Self::Login => identifiers.short_code("login code", number),
            Self::Phone => identifiers.long_code("phone code", number),
            Self::Plugin => identifiers.long_code("plugin code", number),
            Self::Web => identifiers.short_code("web code", number),
        }
    }

    /// Returns `true` if a code that was never issued is accepted.
    fn accepts_unissued(self, text: &str) -> bool {
        let mut bytes = text.bytes();
        match self {
            Self::Login => text.len() == 32 && bytes.all(|byte| byte.is_ascii_alphanumeric()),
            Self::Phone => {
                text.len() == 64 && bytes.all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }
            Self::Plugin | Self::Web => false,
        }
    }
}

/// All codes of one kind.
pub(crate) struct Codes {
    kind: CodeKind,
    /// If `true`, only issued codes are accepted.
    pub(crate) issued_only: bool,
    identifiers: Identifiers,
    issued: u64,
    /// By digest.
    active: HashMap<u64, Code>,
    /// Digests of active codes, oldest first.
    order: VecDeque<u64>,
    /// Digests of expired codes.
    expired: HashSet<u64>,
    max_active: usize,
    max_total: usize,
}

struct Code {
    app_id: String,
    owner: Owner,
    used: bool,
    expires_at: Duration,
}

impl Code {
    fn new(app_id: &str, owner: Owner, now: Duration) -> Self {
        Self {
            app_id: app_id.to_owned(),
            owner,
            used: false,
            expires_at: now.saturating_add(LIFETIME),
        }
    }
}

/// The user that a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) user: UserId,
    /// The version of the user's session key, if it was chosen when the code was issued.
    pub(crate) key_version: Option<u64>,
}

impl Owner {
    pub(crate) fn new(user: UserId) -> Self {
        Self {
            user,
            key_version: None,
        }
    }
}

/// The reason why a code does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeError {
    /// It was used less than five minutes ago.
    Used,
    Expired,
    /// It was issued for another app.
    WrongApp,
    /// It was never issued, and it does not have the format of a code.
    Unknown,
    /// It was never issued, and [`MAX_CODES`] is reached.
    TooMany,
}

/// The reply to a login with the code.
impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Used => CODE_USED,
            CodeError::Expired | CodeError::WrongApp | CodeError::Unknown => INVALID_CODE,
            CodeError::TooMany => DAILY_QUOTA_EXCEEDED,
        }
    }
}

impl Codes {
    pub(crate) fn new(kind: CodeKind, identifiers: Identifiers) -> Self {
        Self {
            kind,
            issued_only: false,
            identifiers,
            issued: 0,
            active: HashMap::new(),
            order: VecDeque::new(),
            expired: HashSet::new(),
            max_active: MAX_ACTIVE,
            max_total: MAX_CODES,
        }
    }

    /// Issues a new code.
    pub(crate) fn issue(&mut self, app_id: &str, owner: Owner, now: Duration) -> String {
        self.issued += 1;
        let text = self.kind.issue(&self.identifiers, self.issued);
        self.insert(self.digest(&text), Code::new(app_id, owner, now), now);
        text
    }

    /// Makes a code that was never issued one of the owner's. Returns `false` if it is known, or has not the right format.
    pub(crate) fn adopt(&mut self, app_id: &str, text: &str, owner: Owner, now: Duration) -> bool {
        let digest = self.digest(text);
        let is_known = self.active.contains_key(&digest) || self.expired.contains(&digest);
        let has_room = self.active.len() + self.expired.len() < self.max_total;
        let adopts = !is_known && has_room && self.kind.accepts_unissued(text);
        if adopts {
            self.insert(digest, Code::new(app_id, owner, now), now);
        }
        adopts
    }

    /// Returns the owner of a code that works for the app, without using it. The instant of expiry counts as expired.
    pub(crate) fn owner(
        &self,
        app_id: &str,
        text: &str,
        now: Duration,
    ) -> Result<Owner, CodeError> {
        let digest = self.digest(text);
        match self.active.get(&digest) {
            Some(code) if code.expires_at <= now => Err(CodeError::Expired),
            Some(code) if code.app_id != app_id => Err(CodeError::WrongApp),
            Some(code) if code.used => Err(CodeError::Used),
            Some(code) => Ok(code.owner.clone()),
            None if self.expired.contains(&digest) => Err(CodeError::Expired),
            None if self.issued_only || !self.kind.accepts_unissued(text) => {
                Err(CodeError::Unknown)
            }
            None if self.active.len() + self.expired.len() >= self.max_total => {
                Err(CodeError::TooMany)
            }
            None => Ok(Owner::new(UserId::of_unissued_code(digest))),
        }
    }

    /// Marks a code that [`owner`](Self::owner) returned as used.
    pub(crate) fn mark_used(&mut self, app_id: &str, text: &str, owner: Owner, now: Duration) {
        let digest = self.digest(text);
        if let Some(code) = self.active.get_mut(&digest) {
            code.used = true;
            return;
        }
        let mut code = Code::new(app_id, owner, now);
        code.used = true;
        self.insert(digest, code, now);
    }

    fn insert(&mut self, digest: u64, code: Code, now: Duration) {
        while self.must_drop_oldest(now) {
            if let Some(oldest) = self.order.pop_front() {
                self.active.remove(&oldest);
                // When the set is full, all unissued codes are rejected, this one included.
                if self.expired.len() < self.max_total {
                    self.expired.insert(oldest);
                }
            }
        }
        self.order.push_back(digest);
        self.active.insert(digest, code);
    }

    fn must_drop_oldest(&self, now: Duration) -> bool {
        let oldest = self.order.front();
        let oldest = oldest.and_then(|digest| self.active.get(digest));
        oldest.is_some_and(|code| code.expires_at <= now || self.active.len() >= self.max_active)
    }

    fn digest(&self, text: &str) -> u64 {
        self.identifiers.number("code digest", &[text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(max_active: usize, max_total: usize) -> Codes {
        Codes {
            max_active,
            max_total,
            ..Codes::new(CodeKind::Login, Identifiers::new(7))
        }
    }

    #[test]
    fn memory_is_bounded_and_no_used_code_is_forgotten() {
        let mut codes = codes(1_000, 3_000);
        let text = |number: u64| format!("{number:032}");
        for number in 0..3_000 {
            let now = Duration::from_secs(number);
            let owner = codes.owner("wx", &text(number), now).unwrap();
            codes.mark_used("wx", &text(number), owner, now);
        }
        assert_eq!(codes.active.len(), 300, "expired codes have no entry");
        assert_eq!(codes.active.len() + codes.expired.len(), 3_000);
        let now = Duration::from_mins(50);
        let error = |number| codes.owner("wx", &text(number), now).err();
        assert_eq!(error(0), Some(CodeError::Expired));
        assert_eq!(error(2_999), Some(CodeError::Used));
        assert_eq!(error(3_000), Some(CodeError::TooMany));
    }

    #[test]
    fn the_oldest_codes_expire_early_when_time_stands_still() {
        let mut codes = codes(2, 3);
        let mei = Owner::new(UserId::named("mei"));
        let issued = [(); 6].map(|()| codes.issue("wx", mei.clone(), Duration::ZERO));
        let owners = issued
            .each_ref()
            .map(|text| codes.owner("wx", text, Duration::ZERO));
        assert_eq!(owners[0], Err(CodeError::Expired));
        assert_eq!(owners[3], Err(CodeError::TooMany), "no longer known");
        assert_eq!([&owners[4], &owners[5]], [&Ok(mei.clone()), &Ok(mei)]);
        assert_eq!((codes.expired.len(), codes.order.len()), (3, 2));
    }
}
