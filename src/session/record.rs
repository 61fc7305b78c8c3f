//! A session as the store keeps it, and when it expires. Time is an argument.

use jiff::{SignedDuration, Timestamp};

use crate::identity::{AppId, UserId};
use crate::session::device::{Device, SessionId};
use crate::session::seal::Sealed;
use crate::session::token::TokenDigest;
use crate::time::plus;

/// Limits on the lifetime of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Maximum time from login to expiry.
    pub absolute: SignedDuration,
    /// Maximum time from the last use to expiry.
    pub idle: SignedDuration,
    /// Age of the recorded last use at which the next use is recorded. Shorter than `idle`.
    pub touch_after: SignedDuration,
}

/// A stored session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Digest of the session's token.
    pub digest: TokenDigest,
    /// Public id, shown to the session's owner.
    pub id: SessionId,
    /// Owner of the session.
    pub user: UserId,
    /// Mini program in which the user logged in.
    pub app: AppId,
    /// Time of the login, to the millisecond.
    pub created_at: Timestamp,
    /// Latest possible end. At this instant the session is expired.
    pub expires_at: Timestamp,
    /// Last recorded use; written at most once per [`Lifetimes::touch_after`].
    pub last_seen: Timestamp,
    /// Device and client on which the user logged in.
    pub device: Device,
    /// The platform's session keys, newest first, sealed together under the token.
    pub session_keys: Sealed,
}

/// The part of a session that most requests need: whether it is live, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatus {
    /// Owner of the session.
    pub user: UserId,
    /// Time of the owner's first login.
    pub user_created_at: Timestamp,
    /// Mini program in which the user logged in.
    pub app: AppId,
    /// Time of the login, to the millisecond.
    pub created_at: Timestamp,
    /// Latest possible end. At this instant the session is expired.
    pub expires_at: Timestamp,
    /// Last recorded use; written at most once per [`Lifetimes::touch_after`].
    pub last_seen: Timestamp,
}

impl Lifetimes {
    /// Returns the latest possible end of a session that begins at `now`.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        plus(now, self.absolute)
    }

    /// Returns the end of a session that is not used after `last_seen`.
    pub fn ends_at(&self, last_seen: Timestamp, expires_at: Timestamp) -> Timestamp {
        plus(last_seen, self.idle).min(expires_at)
    }
}

impl Session {
    /// Returns the time at which the session expires if it is not used again: the earlier of its two limits.
    pub fn ends_at(&self, lifetimes: &Lifetimes) -> Timestamp {
        lifetimes.ends_at(self.last_seen, self.expires_at)
    }

    /// Returns `true` if the session is expired at `now`. The instant of expiry counts as expired.
    pub fn is_expired(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        self.ends_at(lifetimes) <= now
    }
}

impl SessionStatus {
    /// Returns the time at which the session expires if it is not used again: the earlier of its two limits.
    pub fn ends_at(&self, lifetimes: &Lifetimes) -> Timestamp {
        lifetimes.ends_at(self.last_seen, self.expires_at)
    }

    /// Returns `true` if the session is expired at `now`. The instant of expiry counts as expired.
    pub fn is_expired(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        self.ends_at(lifetimes) <= now
    }

    /// Returns `true` if the recorded last use is old enough that a use at `now` should be recorded.
    pub fn needs_touch(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        now.duration_since(self.last_seen) >= lifetimes.touch_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes {
        absolute: SignedDuration::from_hours(7 * 24),
        idle: SignedDuration::from_hours(3 * 24),
        touch_after: SignedDuration::from_hours(1),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn session(created: i64, last_seen: i64) -> SessionStatus {
        SessionStatus {
            user: UserId([0; 16]),
            user_created_at: at(created),
            app: AppId::new("wx0123456789abcdef"),
            created_at: at(created),
            expires_at: at(created) + LIFETIMES.absolute,
            last_seen: at(last_seen),
        }
    }

    #[test]
    fn a_session_is_expired_at_the_instant_of_expiry() {
        let week = 7 * 24 * 3600;
        let used = session(0, week - 10);
        assert!(!used.is_expired(&LIFETIMES, at(week - 1)));
        assert!(used.is_expired(&LIFETIMES, at(week)));
    }

    #[test]
    fn an_idle_session_ends_before_its_lifetime_does() {
        let three_days = 3 * 24 * 3600;
        let idle = session(0, 100);
        assert!(!idle.is_expired(&LIFETIMES, at(three_days + 99)));
        assert!(idle.is_expired(&LIFETIMES, at(three_days + 100)));
    }

    #[test]
    fn a_use_is_recorded_once_an_hour() {
        let session = session(0, 0);
        assert!(!session.needs_touch(&LIFETIMES, at(3599)));
        assert!(session.needs_touch(&LIFETIMES, at(3600)));
    }
}
