//! A circuit breaker: pauses calls to a failing endpoint, then lets one probe through. Time is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::platforms::error::Error;
use crate::platforms::rejection::{QUOTA_PAUSE, Reason};
use crate::time::plus;

/// Limits on calls to a platform. [`Limits::default`] is our choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of calls in flight to one endpoint, over all apps and workers.
    ///
    /// By default 1024: 5,000 logins per second at WeChat's usual 200 ms. It bounds memory and sockets while the platform
    /// does not reply.
    pub calls_in_flight: usize,
    /// Number of consecutive failures that opens the circuit of one app and endpoint. By default 10, so that a short
    /// disturbance under load opens nothing if any call succeeds in between.
    pub failures: u32,
    /// Time for which the circuit then stays open before one probe is let through. Doubles after each failed probe, up to
    /// [`MAX_PAUSE`]. By default 1 s.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_in_flight: 1024,
            failures: 10,
            pause: Duration::from_secs(1),
        }
    }
}

/// Maximum pause after consecutive failures. Our choice: clients wait little longer than the platform's outage lasts.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The circuit of one app and endpoint.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// Consecutive failures while closed.
    failures: u32,
    /// Number of times it has opened since the last success.
    trips: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    since: Timestamp,
    until: Timestamp,
    last: Error,
    /// Set while a probe is in flight.
    probing: bool,
}

/// Permission to make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    /// An ordinary call.
    Ordinary,
    /// The call that decides whether the circuit closes. Its outcome must be recorded, or the probe cancelled.
    Probe,
}

impl Circuit {
    /// Admits a call, or returns how long to wait and why.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Result<Permit, Error> {
        let Some(open) = &mut self.open else {
            return Ok(Permit::Ordinary);
        };
        // If the clock was set back, the circuit must not stay open for longer than intended.
        let is_paused = (open.since..open.until).contains(&now);
        if !is_paused && !open.probing {
            open.probing = true;
            return Ok(Permit::Probe);
        }
        let left = Duration::try_from(now.duration_until(open.until)).unwrap_or_default();
        Err(Error::CircuitOpen {
            // While a probe is in flight, its outcome is a moment away.
            retry_after: left.max(Duration::from_secs(1)),
            last: Box::new(open.last.clone()),
        })
    }

    /// Records the outcome of a call.
    pub(crate) fn record(
        &mut self,
        permit: Permit,
        failure: Option<&Error>,
        limits: &Limits,
        now: Timestamp,
    ) {
        let failure = failure.filter(|error| is_failure(error));
        if let Some(error) = failure
            && error.reason() == Some(Reason::QuotaExhausted)
        {
            return self.trip(error, QUOTA_PAUSE, now);
        }
        // Calls that started before the circuit opened say nothing new.
        if permit == Permit::Ordinary && self.open.is_some() {
            return;
        }
        let Some(error) = failure else {
            *self = Self::default();
            return;
        };
        self.failures = self.failures.saturating_add(1);
        if permit == Permit::Probe || self.failures >= limits.failures {
            let doubled = 2_u32.saturating_pow(self.trips);
            let pause = limits.pause.saturating_mul(doubled).min(MAX_PAUSE);
            self.trip(error, pause, now);
        }
    }

    /// Lets another call probe, because the current probe was cancelled.
    pub(crate) fn cancel_probe(&mut self) {
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
            until: plus(now, pause),
            last: error.clone(),
            probing: false,
        });
    }
}

/// Returns `true` if other calls would fail for the same reason. A rejected code or user is a success of the endpoint.
fn is_failure(error: &Error) -> bool {
    match error {
        Error::Rejected(rejection) => {
            matches!(rejection.reason, Reason::Busy | Reason::QuotaExhausted)
        }
        // A permanent cause costs next to nothing to retry, and its own message says what to fix.
        Error::Unreachable(cause) => cause.is_transient(),
        Error::InvalidReply { .. } | Error::TimedOut | Error::ConnectionLost => true,
        Error::CircuitOpen { .. } | Error::Overloaded => false,
    }
}
