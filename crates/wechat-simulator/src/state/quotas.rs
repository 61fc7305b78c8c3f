//! Quotas: the number of calls per app and endpoint, and their limits.

use std::collections::HashMap;
use std::time::Duration;

use crate::endpoint::{Endpoint, Limits};
use crate::errors::{ApiError, CLEAR_QUOTA_EXCEEDED, DAILY_QUOTA_EXCEEDED, MINUTE_QUOTA_EXCEEDED};

/// Maximum number of times that an app may clear its quotas per month of 30 days.
const CLEARS_PER_MONTH: u32 = 10;

/// A count that starts again at zero in each new period.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PeriodCounter {
    period: u64,
    count: u32,
}

impl PeriodCounter {
    /// Counts one in the day of `now` and returns the day's count.
    pub(crate) fn count_in_day(&mut self, now: Duration) -> u32 {
        self.count_in(day(now))
    }

    /// Returns the count of the day of `now`.
    pub(crate) fn in_day(&self, now: Duration) -> u32 {
        if self.period == day(now) {
            self.count
        } else {
            0
        }
    }

    fn count_in(&mut self, period: u64) -> u32 {
        if self.period != period {
            *self = Self { period, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}

/// Returns the day in China's time zone, as a number of days since the Unix epoch.
fn day(now: Duration) -> u64 {
    now.as_secs().saturating_add(8 * 60 * 60) / (24 * 60 * 60)
}

/// The calls of all apps, and the limits.
pub(crate) struct Quotas {
    /// The limit of endpoints without limits of their own.
    per_minute: Option<u32>,
    limits: HashMap<Endpoint, Limits>,
    /// By AppID and endpoint: calls in the current minute and on the current day.
    calls: HashMap<(String, Endpoint), [PeriodCounter; 2]>,
    /// By AppID: times that the quotas were cleared in the current month.
    clears: HashMap<String, PeriodCounter>,
}

impl Quotas {
    pub(crate) fn new(per_minute: Option<u32>) -> Self {
        Self {
            per_minute,
            limits: HashMap::new(),
            calls: HashMap::new(),
            clears: HashMap::new(),
        }
    }

    /// Sets the endpoint's limits for each app; `None` restores the initial ones.
    pub(crate) fn set_limits(&mut self, endpoint: Endpoint, limits: Option<Limits>) {
        match limits {
            Some(limits) => self.limits.insert(endpoint, limits),
            None => self.limits.remove(&endpoint),
        };
    }

    /// Returns the limits that were set, in the order of the endpoints.
    pub(crate) fn own_limits(&self) -> impl Iterator<Item = (Endpoint, Limits)> {
        let endpoints = Endpoint::ALL.iter().copied();
        endpoints.filter_map(|endpoint| Some((endpoint, *self.limits.get(&endpoint)?)))
    }

    pub(crate) fn limits(&self, endpoint: Endpoint) -> Limits {
        let documented = endpoint.documented_limits();
        self.limits.get(&endpoint).copied().unwrap_or(Limits {
            per_minute: self.per_minute.or(documented.per_minute),
            ..documented
        })
    }

    /// Counts a call of the app, and fails if it exceeds a limit. Failed calls count too.
    pub(crate) fn count_call(
        &mut self,
        app_id: &str,
        endpoint: Endpoint,
        now: Duration,
    ) -> Result<(), ApiError> {
        let limits = self.limits(endpoint);
        let calls = self.calls.entry((app_id.to_owned(), endpoint));
        let [minute, day] = calls.or_default();
        let in_minute = minute.count_in(now.as_secs() / 60);
        let in_day = day.count_in_day(now);
        if limits.per_day.is_some_and(|limit| in_day > limit) {
            Err(DAILY_QUOTA_EXCEEDED)
        } else if limits.per_minute.is_some_and(|limit| in_minute > limit) {
            Err(MINUTE_QUOTA_EXCEEDED)
        } else {
            Ok(())
        }
    }

    /// Returns the number of calls of the app to the endpoint today.
    pub(crate) fn calls_today(&self, app_id: &str, endpoint: Endpoint, now: Duration) -> u32 {
        let calls = self.calls.get(&(app_id.to_owned(), endpoint));
        calls.map_or(0, |[_, day]| day.in_day(now))
    }

    /// Resets the counts of the app, at most [`CLEARS_PER_MONTH`] times.
    pub(crate) fn clear(&mut self, app_id: &str, now: Duration) -> Result<(), ApiError> {
        let clears = self.clears.entry(app_id.to_owned()).or_default();
        if clears.count_in(day(now) / 30) > CLEARS_PER_MONTH {
            return Err(CLEAR_QUOTA_EXCEEDED);
        }
        self.calls.retain(|(known, _), _| known != app_id);
        Ok(())
    }
}
