//! The numbers of users, sessions and logins.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::administration::error::Error;
use crate::identity::AppId;
use crate::login::{KEPT_DAYS, day, days_before};
use crate::store::{self, Store};

/// The numbers of users, sessions and logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Number of users, blocked ones included.
    pub users: u64,
    /// Number of blocked users.
    pub blocked_users: u64,
    /// Number of live sessions.
    pub sessions: u64,
    /// The last 30 days, the present one last.
    pub days: Vec<Day>,
}

/// The logins of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day, in UTC.
    pub day: Date,
    /// Number of logins by mini program. One without logins is absent.
    pub logins: BTreeMap<AppId, u64>,
}

impl Statistics {
    pub(super) async fn read(
        store: &dyn Store,
        now: Timestamp,
        idle: SignedDuration,
    ) -> Result<Self, Error> {
        let today = day(now);
        let since = days_before(today, KEPT_DAYS - 1);
        let store::Statistics {
            users,
            blocked_users,
            sessions,
            logins,
        } = store.statistics(now, idle, since).await?;
        let days = (0..KEPT_DAYS).rev().map(|days| {
            let day = days_before(today, days);
            let of_day = logins.iter().filter(|count| count.day == day);
            let logins = of_day.map(|count| (count.app.clone(), count.logins));
            Day {
                day,
                logins: logins.collect(),
            }
        });
        Ok(Self {
            users,
            blocked_users,
            sessions,
            days: days.collect(),
        })
    }
}
