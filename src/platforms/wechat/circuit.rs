//! When to leave an endpoint alone.
//!
//! Knows failures in a row, pauses, and when WeChat's day begins. Time is an argument.
//! Never knows what was asked, nor how many calls run at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::platforms::wechat::errcode::Class;
use crate::platforms::wechat::error::Error;

/// How calls to WeChat are held back. [`Limits::default`] is our choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many calls to one endpoint may run at once, over all apps and workers; one more is refused.
    ///
    /// By default 1024: 5 000 logins a second at WeChat's usual 200 ms. While WeChat hangs it bounds memory and sockets.
    pub calls_at_once: usize,
    /// After how many failures in a row the circuit of one app and endpoint opens. By default 10, so that a short hiccup
    /// under load opens nothing if any call succeeds in between.
    pub failures: u32,
    /// How long it then stays open before one call is let through to see; twice as long after each that fails, up to
    /// [`MAX_PAUSE`]. By default 1 s.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_at_once: 1024,
            failures: 10,
            pause: Duration::from_secs(1),
        }
    }
}

/// The longest pause after failures in a row. Our choice: nobody waits much longer than WeChat's trouble lasts.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause after errcode 45009. The quota comes back at 00:00 in China; but the operator may clear it on WeChat's
/// console at any time, so one call an hour finds out.
pub const MAX_QUOTA_PAUSE: Duration = Duration::from_hours(1);

/// The state of one app and endpoint.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// Failures in a row while closed.
    failures: u32,
    /// How often it has opened since the last success.
    trips: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    since: Timestamp,
    until: Timestamp,
    last: Error,
    /// Whether a call is out to see.
    probing: bool,
}

/// What kind of call is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// One of many.
    Ordinary,
    /// The one that finds out whether the circuit can be closed. It must be settled or forgotten.
    Probe,
}

impl Circuit {
    /// Lets a call through, or says how long to wait and why.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Result<Leave, Error> {
        let Some(open) = &mut self.open else {
            return Ok(Leave::Ordinary);
        };
        // A clock that was set back must not keep the circuit open for longer than it was meant to be.
        let is_paused = (open.since..open.until).contains(&now);
        if !is_paused && !open.probing {
            open.probing = true;
            return Ok(Leave::Probe);
        }
        let left = Duration::try_from(now.duration_until(open.until)).unwrap_or_default();
        Err(Error::CircuitOpen {
            // While a probe is out, the answer is a moment away.
            retry_after: left.max(Duration::from_secs(1)),
            last: Box::new(open.last.clone()),
        })
    }

    /// Takes note of how a call ended.
    pub(crate) fn settle(
        &mut self,
        leave: Leave,
        failure: Option<&Error>,
        limits: &Limits,
        now: Timestamp,
    ) {
        let failure = failure.filter(|error| is_failure(error));
        if let Some(error) = failure.filter(|error| is_quota(error)) {
            return self.trip(error, until_midnight(now), now);
        }
        // What set off before the circuit opened tells nothing new.
        if leave == Leave::Ordinary && self.open.is_some() {
            return;
        }
        let Some(error) = failure else {
            *self = Self::default();
            return;
        };
        self.failures = self.failures.saturating_add(1);
        if leave == Leave::Probe || self.failures >= limits.failures {
            let doubled = 2_u32.saturating_pow(self.trips);
            let pause = limits.pause.saturating_mul(doubled).min(MAX_PAUSE);
            self.trip(error, pause, now);
        }
    }

    /// Lets another call see, because the one that was out has been given up.
    pub(crate) fn forget_probe(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }

    fn trip(&mut self, error: &Error, pause: Duration, now: Timestamp) {
        let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        self.failures = 0;
        self.trips = self.trips.saturating_add(1);
        self.open = Some(Open {
            since: now,
            until: now.saturating_add(pause).unwrap_or(Timestamp::MAX),
            last: error.clone(),
            probing: false,
        });
    }
}

/// Whether a call failed for a reason that other calls share. A refusal of a code or a user is a success of the endpoint.
fn is_failure(error: &Error) -> bool {
    match error {
        Error::Refused(refusal) => {
            matches!(refusal.class(), Class::Busy | Class::QuotaSpent)
        }
        // What does not pass by itself costs next to nothing to try, and its own sentence says what to mend.
        Error::Unreachable(obstacle) => obstacle.may_pass(),
        Error::Unintelligible { .. } | Error::TimedOut | Error::ConnectionLost => true,
        Error::CircuitOpen { .. } | Error::Overloaded => false,
    }
}

fn is_quota(error: &Error) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| refusal.class() == Class::QuotaSpent)
}

/// The time that is left of the day in China, which keeps UTC+8 all year; at most [`MAX_QUOTA_PAUSE`].
fn until_midnight(now: Timestamp) -> Duration {
    const DAY: i64 = 24 * 3600;
    let second_of_day = (now.as_second() + 8 * 3600).rem_euclid(DAY);
    Duration::from_secs((DAY - second_of_day).unsigned_abs()).min(MAX_QUOTA_PAUSE)
}
