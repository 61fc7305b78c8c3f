//! Access tokens: per app a sequence of plain ones and an independent sequence of stable ones.
//!
//! Sources: [getAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getAccessToken.html),
//! [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html).

use std::collections::HashMap;
use std::time::Duration;

use crate::bounded::BoundedList;
use crate::errors::{ACCESS_TOKEN_EXPIRED, ApiError, NOT_LATEST};
use crate::identifiers::Identifiers;
use crate::state::quotas::PeriodCounter;

const LIFETIME: Duration = Duration::from_hours(2);
/// The time that an old token stays valid after it was replaced, and before the expiry of a stable token its replacement
/// becomes available.
const OVERLAP: Duration = Duration::from_mins(5);
const FORCE_INTERVAL: Duration = Duration::from_secs(30);
const FORCES_PER_DAY: u32 = 20;
/// Number of tokens kept per sequence, invalid ones included. Our choice: older ones are rejected as unknown.
const MAX_TOKENS: usize = 32;

/// The access tokens of all apps.
pub(crate) struct AccessTokens {
    identifiers: Identifiers,
    /// By AppID and kind.
    sequences: HashMap<(String, TokenKind), Sequence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum TokenKind {
    Plain,
    Stable,
}

/// The reply to a request for a token.
pub(crate) struct Grant {
    pub(crate) access_token: String,
    pub(crate) expires_in: u64,
}

struct Sequence {
    issued: u64,
    /// The latest is the last.
    tokens: BoundedList<Token>,
    last_force: Option<Duration>,
    forces_today: PeriodCounter,
}

struct Token {
    text: String,
    expires_at: Duration,
    /// The end of validity: the expiry, or an earlier time if the token was replaced.
    valid_until: Duration,
}

impl AccessTokens {
    pub(crate) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            sequences: HashMap::new(),
        }
    }

    /// Issues a new plain token; the previous one stays valid for five minutes.
    pub(crate) fn plain(&mut self, app_id: &str, now: Duration) -> Grant {
        self.issue(app_id, TokenKind::Plain, OVERLAP, now)
    }

    /// Returns the stable token, or issues a new one in the last five minutes of its lifetime.
    pub(crate) fn stable(&mut self, app_id: &str, now: Duration) -> Grant {
        let sequence = self.sequence(app_id, TokenKind::Stable);
        let latest = sequence.tokens.iter().next_back();
        let usable = latest.filter(|token| {
            token.valid_until > now && token.expires_at >= now.saturating_add(OVERLAP)
        });
        match usable {
            Some(token) => token.grant(now),
            None => self.issue(app_id, TokenKind::Stable, OVERLAP, now),
        }
    }

    /// Issues a new stable token and invalidates the previous one at once; returns the current one if this was forced too
    /// often.
    pub(crate) fn force_stable(&mut self, app_id: &str, now: Duration) -> Grant {
        if self.sequence(app_id, TokenKind::Stable).may_force(now) {
            self.issue(app_id, TokenKind::Stable, Duration::ZERO, now)
        } else {
            self.stable(app_id, now)
        }
    }

    /// Invalidates all tokens of the app, as another server with the same app does by forcing a new one.
    pub(crate) fn invalidate(&mut self, app_id: &str, now: Duration) {
        for kind in [TokenKind::Plain, TokenKind::Stable] {
            self.sequence(app_id, kind)
                .replace_latest(Duration::ZERO, now);
        }
    }

    /// Returns the AppID of the app with this token, if the token is valid.
    pub(crate) fn app_id(&self, text: &str, now: Duration) -> Result<&str, ApiError> {
        let mut found = self.sequences.iter().filter_map(|((app_id, _), sequence)| {
            let token = sequence.tokens.iter().find(|token| token.text == text);
            token.map(|token| (app_id, token))
        });
        let (app_id, token) = found.next().ok_or(NOT_LATEST)?;
        if token.valid_until > now {
            Ok(app_id)
        } else if token.valid_until < token.expires_at {
            Err(NOT_LATEST)
        } else {
            Err(ACCESS_TOKEN_EXPIRED)
        }
    }

    fn issue(&mut self, app_id: &str, kind: TokenKind, overlap: Duration, now: Duration) -> Grant {
        let identifiers = self.identifiers.clone();
        let sequence = self.sequence(app_id, kind);
        sequence.replace_latest(overlap, now);
        sequence.issued += 1;
        let expires_at = now.saturating_add(LIFETIME);
        let kind = match kind {
            TokenKind::Plain => "plain",
            TokenKind::Stable => "stable",
        };
        let token = Token {
            text: identifiers.access_token(app_id, kind, sequence.issued),
            expires_at,
            valid_until: expires_at,
        };
        let grant = token.grant(now);
        sequence.tokens.push(token);
        grant
    }

    fn sequence(&mut self, app_id: &str, kind: TokenKind) -> &mut Sequence {
        let sequence = self.sequences.entry((app_id.to_owned(), kind));
        sequence.or_insert_with(|| Sequence {
            issued: 0,
            tokens: BoundedList::new(MAX_TOKENS),
            last_force: None,
            forces_today: PeriodCounter::default(),
        })
    }
}

impl Sequence {
    /// Counts a forced renewal, and returns `true` if it is allowed.
    fn may_force(&mut self, now: Duration) -> bool {
        let too_soon = self
            .last_force
            .is_some_and(|last| now < last.saturating_add(FORCE_INTERVAL));
        if too_soon || self.forces_today.in_day(now) >= FORCES_PER_DAY {
            return false;
        }
        self.forces_today.count_in_day(now);
        self.last_force = Some(now);
        true
    }

    /// Ends the validity of the latest token, and of older ones that are still valid, after `overlap`.
    fn replace_latest(&mut self, overlap: Duration, now: Duration) {
        let until = now.saturating_add(overlap);
        let mut newest_first = self.tokens.iter_mut().rev();
        if let Some(latest) = newest_first.next().filter(|token| token.valid_until > now) {
            latest.valid_until = until;
        }
        for older in newest_first {
            older.valid_until = older.valid_until.min(until);
        }
    }
}

impl Token {
    fn grant(&self, now: Duration) -> Grant {
        Grant {
            access_token: self.text.clone(),
            expires_in: self.expires_at.saturating_sub(now).as_secs(),
        }
    }
}
