//! Counts the logins of this process per day and mini program.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::identity::AppId;
use crate::store::{self, LoginCount, NodeId, Store};

/// Number of days, the present one included, for which the store keeps the numbers.
pub(crate) const KEPT_DAYS: i32 = 30;

/// Counts logins in memory, and stores the numbers when [`LoginCounter::store`] is called. A process that is killed loses
/// those since the last call.
///
/// The alternative, a counter in the transaction of each login, would be a row that many transactions update.
#[derive(Debug, Default)]
pub struct LoginCounter(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Chosen at the first call of [`LoginCounter::store`].
    node: Option<NodeId>,
    by_day: BTreeMap<(Date, AppId), Count>,
}

#[derive(Debug, Default)]
struct Count {
    logins: u64,
    stored: u64,
}

impl LoginCounter {
    /// Counts a login.
    pub fn count(&self, app: &AppId, now: Timestamp) {
        let mut counts = self.lock();
        let count = counts.by_day.entry((day(now), app.clone())).or_default();
        count.logins += 1;
    }

    /// Stores the numbers that have changed since the last call.
    ///
    /// # Errors
    /// [`store::Error`] if the store fails; the next call stores them again.
    pub async fn store(&self, store: &dyn Store, now: Timestamp) -> Result<(), store::Error> {
        let (node, changed) = self.changed()?;
        if changed.is_empty() {
            return Ok(());
        }
        let today = day(now);
        let keep_since = days_before(today, KEPT_DAYS - 1);
        store
            .count_logins(node, changed.clone(), keep_since)
            .await?;
        let mut counts = self.lock();
        for stored in changed {
            if let Some(count) = counts.by_day.get_mut(&(stored.day, stored.app)) {
                count.stored = stored.logins;
            }
        }
        // A login of yesterday may be counted just after midnight.
        let yesterday = days_before(today, 1);
        counts
            .by_day
            .retain(|(day, _app), _count| *day >= yesterday);
        Ok(())
    }

    fn changed(&self) -> Result<(NodeId, Vec<LoginCount>), store::Error> {
        let mut counts = self.lock();
        let node = match counts.node {
            Some(node) => node,
            None => *counts.node.insert(new_node()?),
        };
        let changed = counts
            .by_day
            .iter()
            .filter(|(_, count)| count.logins > count.stored);
        let changed = changed.map(|((day, app), count)| LoginCount {
            day: *day,
            app: app.clone(),
            logins: count.logins,
        });
        Ok((node, changed.collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_node() -> Result<NodeId, store::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| store::Error::Failed(Arc::new(error)))?;
    Ok(NodeId(id))
}

/// Returns the day of a time, in UTC.
pub(crate) fn day(time: Timestamp) -> Date {
    Offset::UTC.to_datetime(time).date()
}

/// Returns the day that was this number of days earlier.
pub(crate) fn days_before(day: Date, days: i32) -> Date {
    day.saturating_sub(jiff::Span::new().days(days))
}
