//! How often an app has called each endpoint in this minute and on this day, and how often it may.
//!
//! Knows the limits that WeChat documents and those that a test sets.
//! Never knows what a call does.

use std::collections::HashMap;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::refusal::{CLEAR_QUOTA_SPENT, DAY_QUOTA_SPENT, MINUTE_QUOTA_SPENT, Refusal};

/// How often quotas may be cleared in one month, which is thirty days here.
const CLEARINGS: u32 = 10;

/// How often an app may call an endpoint; absent, as often as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Calls in one minute of the clock; one more is refused with 45011.
    pub per_minute: Option<u32>,
    /// Calls on one day of Beijing's; one more is refused with 45009.
    pub per_day: Option<u32>,
}

/// The calls of all apps.
pub(super) struct Quotas {
    per_minute: Option<u32>,
    set: HashMap<Endpoint, Limits>,
    /// By AppID and endpoint.
    calls: HashMap<(String, Endpoint), Calls>,
    /// By AppID: a month, and the clearings in it.
    clearings: HashMap<String, (u64, u32)>,
}

/// A minute and a day, and the calls in each.
#[derive(Debug, Clone, Copy, Default)]
struct Calls {
    minute: (u64, u32),
    day: (u64, u32),
}

/// The day on which China's clocks see this moment, counted from the Unix epoch.
pub(super) fn day_of(now: Duration) -> u64 {
    now.as_secs().saturating_add(8 * 60 * 60) / (24 * 60 * 60)
}

impl Quotas {
    /// `per_minute` holds for every endpoint that has no limit of its own set.
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        Self {
            per_minute,
            set: HashMap::new(),
            calls: HashMap::new(),
            clearings: HashMap::new(),
        }
    }

    /// Sets the endpoint's limits for every app; none puts back those that were there at first.
    pub(super) fn set_limits(&mut self, endpoint: Endpoint, limits: Option<Limits>) {
        match limits {
            Some(limits) => self.set.insert(endpoint, limits),
            None => self.set.remove(&endpoint),
        };
    }

    pub(super) fn limits(&self, endpoint: Endpoint) -> Limits {
        let documented = documented(endpoint);
        self.set.get(&endpoint).copied().unwrap_or(Limits {
            per_minute: self.per_minute.or(documented.per_minute),
            ..documented
        })
    }

    /// Counts one call of the app. A refused call counts too.
    pub(super) fn count(
        &mut self,
        app_id: &str,
        endpoint: Endpoint,
        now: Duration,
    ) -> Result<(), Refusal> {
        let limits = self.limits(endpoint);
        let calls = self.calls.entry((app_id.to_owned(), endpoint)).or_default();
        let in_minute = count_in(&mut calls.minute, now.as_secs() / 60);
        let today = count_in(&mut calls.day, day_of(now));
        if limits.per_day.is_some_and(|most| today > most) {
            Err(DAY_QUOTA_SPENT)
        } else if limits.per_minute.is_some_and(|most| in_minute > most) {
            Err(MINUTE_QUOTA_SPENT)
        } else {
            Ok(())
        }
    }

    /// How often the app has called the endpoint on this day.
    pub(super) fn used(&self, app_id: &str, endpoint: Endpoint, now: Duration) -> u32 {
        let calls = self.calls.get(&(app_id.to_owned(), endpoint));
        calls.map_or(0, |calls| match calls.day {
            (day, used) if day == day_of(now) => used,
            _ => 0,
        })
    }

    /// Forgets the app's calls, which may be done ten times in a month.
    pub(super) fn clear(&mut self, app_id: &str, now: Duration) -> Result<(), Refusal> {
        let clearings = self.clearings.entry(app_id.to_owned()).or_default();
        if count_in(clearings, day_of(now) / 30) > CLEARINGS {
            return Err(CLEAR_QUOTA_SPENT);
        }
        self.calls.retain(|(known, _), _| known != app_id);
        Ok(())
    }
}

/// Counts one more in this period, from zero if the period is new.
fn count_in(counted: &mut (u64, u32), period: u64) -> u32 {
    if counted.0 != period {
        *counted = (period, 0);
    }
    counted.1 = counted.1.saturating_add(1);
    counted.1
}

/// What WeChat's pages say, where they say a number.
fn documented(endpoint: Endpoint) -> Limits {
    let (per_minute, per_day) = match endpoint {
        Endpoint::AccessToken => (None, Some(2_000)),
        Endpoint::StableAccessToken => (Some(10_000), Some(500_000)),
        Endpoint::ResetUserSessionKey => (Some(60_000), None),
        Endpoint::Code2Session
        | Endpoint::CheckSessionKey
        | Endpoint::PhoneNumber
        | Endpoint::PaidUnionid
        | Endpoint::PluginOpenPid
        | Endpoint::CheckEncryptedData
        | Endpoint::UserEncryptKey
        | Endpoint::ApiQuota
        | Endpoint::RidInfo
        | Endpoint::ClearQuota => (None, None),
    };
    Limits {
        per_minute,
        per_day,
    }
}
