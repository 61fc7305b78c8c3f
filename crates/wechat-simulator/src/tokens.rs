//! Which access tokens live: for each app one line of plain ones and one of stable ones, neither of which knows the other.
//!
//! Knows when a token is new, when it overlaps with the one before, and what killed it.
//! Never knows HTTP, secrets or who asks.
//!
//! Sources: [getAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getAccessToken.html),
//! [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::identifiers::Identifiers;
use super::quotas::day_of;
use super::refusal::{ACCESS_TOKEN_EXPIRED, INVALID_ACCESS_TOKEN, NOT_LATEST, Refusal};

const LIFETIME: Duration = Duration::from_hours(2);
/// How long an old token works beside its successor, and how early a stable one gets a successor.
const OVERLAP: Duration = Duration::from_mins(5);
const BETWEEN_FORCED: Duration = Duration::from_secs(30);
const FORCED_PER_DAY: u32 = 20;
/// How many tokens of a line are remembered, dead ones too. Our choice: older ones are answered like foreign ones.
const MOST_REMEMBERED: usize = 32;

/// The access tokens of all apps.
pub(super) struct Tokens {
    identifiers: Identifiers,
    /// By AppID and kind.
    lines: HashMap<(String, Kind), Line>,
}

/// Which endpoint a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// `/cgi-bin/token`.
    Plain,
    /// `/cgi-bin/stable_token`.
    Stable,
}

/// A token, as an endpoint tells it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) access_token: String,
    pub(super) expires_in: u64,
}

#[derive(Default)]
struct Line {
    issued: u64,
    /// The last is the latest.
    tokens: VecDeque<Token>,
    last_forced: Option<Duration>,
    /// A day, and the forced renewals in it.
    forced: (u64, u32),
}

struct Token {
    text: String,
    expires_at: Duration,
    /// When it stops working: when it expires, or earlier if it was killed, or later while its successor is young.
    works_until: Duration,
}

impl Tokens {
    pub(super) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            lines: HashMap::new(),
        }
    }

    /// A new plain token; the one before works for five more minutes.
    pub(super) fn renew(&mut self, app_id: &str, now: Duration) -> Granted {
        self.issue(app_id, Kind::Plain, OVERLAP, now)
    }

    /// The stable token, or a new one in the last five minutes of its life.
    pub(super) fn stable(&mut self, app_id: &str, now: Duration) -> Granted {
        let line = self.lines.get(&(app_id.to_owned(), Kind::Stable));
        let latest = line.and_then(|line| line.tokens.back());
        let lasting = latest.filter(|token| {
            token.works_until > now && token.expires_at >= now.saturating_add(OVERLAP)
        });
        match lasting {
            Some(token) => token.granted(now),
            None => self.issue(app_id, Kind::Stable, OVERLAP, now),
        }
    }

    /// A new stable token that kills the one before at once; the same one again if that was forced too often.
    pub(super) fn force_stable(&mut self, app_id: &str, now: Duration) -> Granted {
        if self.may_force(app_id, now) {
            self.issue(app_id, Kind::Stable, Duration::ZERO, now)
        } else {
            self.stable(app_id, now)
        }
    }

    /// Kills all tokens of the app, as a rival server does that uses the same app and renews by force.
    pub(super) fn clobber(&mut self, app_id: &str, now: Duration) {
        for kind in [Kind::Plain, Kind::Stable] {
            if let Some(line) = self.lines.get_mut(&(app_id.to_owned(), kind)) {
                line.retire_latest(Duration::ZERO, now);
            }
        }
    }

    /// The AppID of the app whose token this is, if it works.
    pub(super) fn owner(&self, text: &str, now: Duration) -> Result<&str, Refusal> {
        let mut found = self.lines.iter().filter_map(|((app_id, _), line)| {
            let token = line.tokens.iter().find(|token| token.text == text);
            token.map(|token| (app_id, token))
        });
        let (app_id, token) = found.next().ok_or(INVALID_ACCESS_TOKEN)?;
        if token.works_until > now {
            Ok(app_id)
        } else if token.works_until < token.expires_at {
            Err(NOT_LATEST)
        } else {
            Err(ACCESS_TOKEN_EXPIRED)
        }
    }

    fn may_force(&mut self, app_id: &str, now: Duration) -> bool {
        let line = self.line(app_id, Kind::Stable);
        let today = day_of(now);
        if line.forced.0 != today {
            line.forced = (today, 0);
        }
        let too_soon = line
            .last_forced
            .is_some_and(|last| now < last.saturating_add(BETWEEN_FORCED));
        if too_soon || line.forced.1 >= FORCED_PER_DAY {
            return false;
        }
        line.forced.1 += 1;
        line.last_forced = Some(now);
        true
    }

    fn issue(&mut self, app_id: &str, kind: Kind, overlap: Duration, now: Duration) -> Granted {
        let identifiers = self.identifiers;
        let line = self.line(app_id, kind);
        line.retire_latest(overlap, now);
        line.issued += 1;
        let expires_at = now.saturating_add(LIFETIME);
        let label = match kind {
            Kind::Plain => "plain",
            Kind::Stable => "stable",
        };
        let token = Token {
            text: identifiers.access_token(app_id, label, line.issued),
            expires_at,
            works_until: expires_at,
        };
        let granted = token.granted(now);
        if line.tokens.len() >= MOST_REMEMBERED {
            line.tokens.pop_front();
        }
        line.tokens.push_back(token);
        granted
    }

    fn line(&mut self, app_id: &str, kind: Kind) -> &mut Line {
        self.lines.entry((app_id.to_owned(), kind)).or_default()
    }
}

impl Line {
    /// Lets the latest token, and what overlaps with it, work for so long and no longer.
    fn retire_latest(&mut self, overlap: Duration, now: Duration) {
        let until = now.saturating_add(overlap);
        let mut working = self.tokens.iter_mut().rev();
        if let Some(latest) = working.next().filter(|token| token.works_until > now) {
            latest.works_until = until;
        }
        for older in working {
            older.works_until = older.works_until.min(until);
        }
    }
}

impl Token {
    fn granted(&self, now: Duration) -> Granted {
        Granted {
            access_token: self.text.clone(),
            expires_in: self.expires_at.saturating_sub(now).as_secs(),
        }
    }
}
