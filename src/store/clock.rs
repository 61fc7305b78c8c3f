//! Judges the clock by the times of earlier sweeps, so that a wrong clock ends no session for good.
//!
//! The server sweeps every ten minutes, so the times of the sweeps advance in small steps. A step of more than a day is
//! implausible: the clock jumped, or the server was off. In both cases nothing is removed until the new time has advanced
//! for a day in small steps.

use jiff::{SignedDuration, Timestamp};

/// Largest plausible difference between the times of two sweeps. Sessions stay in the store for as long after they have
/// expired, so that a jump of at most this length removes no live one. Our choice: a server that is switched off every
/// night is plausible.
pub(super) const TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// Time for which a clock must have been plausible before sessions are removed. Our choice: a day is enough to notice a
/// wrong clock, and expired sessions use little space in a day.
const PROBATION: SignedDuration = SignedDuration::from_hours(24);

/// Earlier times are implausible, as this program did not exist: 2026-01-01. A machine without a battery starts in 1970.
const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The times of the sweeps. The store keeps one for all nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ClockHistory {
    /// The plausible times. `None` before the first sweep.
    pub(super) plausible: Option<Times>,
    /// Times that are far from the plausible ones. They become the plausible ones after [`PROBATION`].
    pub(super) rival: Option<Times>,
}

/// Times that advanced in small steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// The first one.
    pub(super) since: Timestamp,
    /// The latest one.
    pub(super) latest: Timestamp,
}

/// Result of [`ClockHistory::observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// The clock has been plausible for at least a day. Expired sessions may be removed.
    Proven,
    /// The clock is plausible, but not for long. Times in the future may be corrected.
    Plausible,
    /// The clock jumped.
    Implausible {
        /// The latest time that was plausible.
        plausible: Timestamp,
    },
}

impl ClockHistory {
    /// Judges the time of a sweep and adds it to the history.
    pub(super) fn observe(&mut self, now: Timestamp) -> Clock {
        let Some(plausible) = self.plausible else {
            if now < EARLIEST {
                return Clock::Implausible {
                    plausible: EARLIEST,
                };
            }
            self.plausible = Some(Times::starting(now));
            return Clock::Plausible;
        };
        if plausible.is_continued_by(now) && now >= EARLIEST {
            return self.accept(plausible.continued(now));
        }
        let rival = match self.rival.filter(|rival| rival.is_continued_by(now)) {
            Some(rival) => rival.continued(now),
            None => Times::starting(now),
        };
        if rival.is_proven() && now >= EARLIEST {
            return self.accept(rival);
        }
        self.rival = Some(rival);
        Clock::Implausible {
            plausible: plausible.latest,
        }
    }

    fn accept(&mut self, times: Times) -> Clock {
        self.plausible = Some(times);
        self.rival = None;
        if times.is_proven() {
            Clock::Proven
        } else {
            Clock::Plausible
        }
    }
}

impl Times {
    fn starting(now: Timestamp) -> Self {
        Self {
            since: now,
            latest: now,
        }
    }

    fn is_continued_by(self, now: Timestamp) -> bool {
        now.duration_since(self.latest).abs() <= TOLERANCE
    }

    /// A clock that was set back a little counts from then on.
    fn continued(self, now: Timestamp) -> Self {
        Self {
            since: self.since.min(now),
            latest: now,
        }
    }

    fn is_proven(self) -> bool {
        self.latest.duration_since(self.since) >= PROBATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// Plays sweeps at these seconds and compares the last verdict.
    #[track_caller]
    fn check(sweeps: &[i64], expected: Clock) {
        let mut history = ClockHistory::default();
        let mut last = None;
        for seconds in sweeps {
            last = Some(history.observe(at(*seconds)));
        }
        assert_eq!(last, Some(expected), "after {sweeps:?}");
    }

    fn implausible(seconds: i64) -> Clock {
        Clock::Implausible {
            plausible: at(seconds),
        }
    }

    #[test]
    fn a_clock_is_proven_after_a_day_of_small_steps() {
        check(&[0], Clock::Plausible);
        check(&[0, DAY - 1], Clock::Plausible);
        check(&[0, HOUR, DAY], Clock::Proven);
        check(&[0, DAY, DAY - HOUR], Clock::Plausible);
    }

    #[test]
    fn a_jump_is_implausible_and_forgotten_when_the_clock_returns() {
        check(&[0, DAY, DAY + YEAR], implausible(DAY));
        check(&[0, DAY, DAY + YEAR, DAY + 600], Clock::Proven);
        check(&[0, DAY, DAY - YEAR], implausible(DAY));
        check(&[0, DAY, DAY - YEAR, DAY + 600], Clock::Proven);
        check(&[0, DAY, 2 * DAY + 1], implausible(DAY));
    }

    #[test]
    fn a_new_time_is_plausible_after_a_day_of_small_steps() {
        check(&[0, DAY, YEAR, YEAR + DAY - 1], implausible(DAY));
        check(&[0, DAY, YEAR, YEAR + HOUR, YEAR + DAY], Clock::Proven);
        check(&[0, DAY, YEAR, 2 * YEAR, 2 * YEAR + DAY], Clock::Proven);
        check(&[0, DAY, YEAR, DAY, YEAR + DAY], implausible(DAY));
        check(&[0, DAY, YEAR, YEAR + 2 * DAY], implausible(DAY));
    }

    #[test]
    fn times_before_this_program_are_never_plausible() {
        let never = Clock::Implausible {
            plausible: EARLIEST,
        };
        check(&[-1_800_000_000], never);
        check(&[-1_800_000_000, -1_800_000_000 + DAY], never);
        let stays = -1_800_000_000 + DAY;
        check(&[0, DAY, -1_800_000_000, stays], implausible(DAY));
    }
}
