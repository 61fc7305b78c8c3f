//! The statements of a sweep. Each call changes a limited number of rows.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, named_params, params};

use crate::store::clock::{Clock, ClockHistory, TOLERANCE, Times};
use crate::store::interface::Swept;
use crate::store::sqlite::events::Changed;
use crate::store::sqlite::open::number;
use crate::store::sqlite::rows::time_at;
use crate::store::sqlite::sessions::delete;
use crate::time::{minus, plus};

/// Maximum number of rows that one call changes in a table. Our choice: takes a few milliseconds, so that a login that
/// waits for it does not notice.
const BATCH: u8 = 100;

/// Number of free pages that the file keeps for the next logins, in addition to an eighth of its pages: 4 MB. Our choice.
const SPARE_PAGES: i64 = 1000;

/// Removes expired sessions and ledger records, and corrects sessions of the future, as far as the clock allows.
pub(super) fn sweep(
    connection: &Connection,
    changed: &mut Changed,
    now: Timestamp,
    idle: SignedDuration,
) -> rusqlite::Result<Swept> {
    let mut history = read_clock(connection)?;
    let clock = history.observe(now);
    write_clock(connection, &history)?;
    if let Clock::Implausible { plausible } = clock {
        return Ok(Swept::ClockImplausible { plausible });
    }
    let records = remove_records(connection, now)?;
    let corrected = correct_future_sessions(connection, changed, now)?;
    let sessions = match clock {
        Clock::Proven => remove_sessions(connection, changed, now, idle)?,
        Clock::Plausible | Clock::Implausible { .. } => 0,
    };
    let rows = records.max(corrected).max(sessions);
    let is_last = rows < usize::from(BATCH) && !give_back_space(connection)?;
    Ok(Swept::Rows { sessions, is_last })
}

/// Removes free pages from the end of the file, if there are many. Returns `true` if there may be more to remove.
fn give_back_space(connection: &Connection) -> rusqlite::Result<bool> {
    let number = |pragma| number(connection, pragma);
    let spare = number("freelist_count")? - SPARE_PAGES - number("page_count")? / 8;
    if spare <= 0 || number("auto_vacuum")? == 0 {
        return Ok(false);
    }
    let pages = spare.min(i64::from(BATCH));
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut steps = vacuum.query(())?;
    while steps.next()?.is_some() {}
    Ok(spare > pages)
}

fn read_clock(connection: &Connection) -> rusqlite::Result<ClockHistory> {
    connection
        .prepare_cached("SELECT since, latest, rival_since, rival_latest FROM clock")?
        .query_row((), |row| {
            Ok(ClockHistory {
                plausible: times_at(row, 0)?,
                rival: times_at(row, 2)?,
            })
        })
}

/// Reads two times, beginning with the column `first`.
fn times_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Times>> {
    if row.get::<_, Option<i64>>(first)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Times {
        since: time_at(row, first)?,
        latest: time_at(row, first + 1)?,
    }))
}

fn write_clock(connection: &Connection, history: &ClockHistory) -> rusqlite::Result<()> {
    let since = |times: Option<Times>| times.map(|times| times.since.as_millisecond());
    let latest = |times: Option<Times>| times.map(|times| times.latest.as_millisecond());
    connection
        .prepare_cached(
            "UPDATE clock SET since = ?1, latest = ?2, rival_since = ?3, rival_latest = ?4",
        )?
        .execute(params![
            since(history.plausible),
            latest(history.plausible),
            since(history.rival),
            latest(history.rival),
        ])
        .map(drop)
}

/// Removes records whose value and lease have both expired.
fn remove_records(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM ledger WHERE rowid IN (
                 SELECT rowid FROM ledger WHERE expires_at <= ?1 AND held_until <= ?1 LIMIT ?2)",
        )?
        .execute(params![now.as_millisecond(), BATCH])
}

fn remove_sessions(
    connection: &Connection,
    changed: &mut Changed,
    now: Timestamp,
    idle: SignedDuration,
) -> rusqlite::Result<usize> {
    let expired = minus(now, TOLERANCE);
    let unused = minus(expired, idle);
    delete(
        connection,
        changed,
        "DELETE FROM session WHERE rowid IN (
             SELECT rowid FROM session WHERE expires_at <= ?1 OR last_seen <= ?2 LIMIT ?3)
         RETURNING digest",
        params![expired.as_millisecond(), unused.as_millisecond(), BATCH],
    )
}

/// Lets the sessions whose times are in the future begin now. They were used while the clock was ahead.
fn correct_future_sessions(
    connection: &Connection,
    changed: &mut Changed,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let future = plus(now, TOLERANCE);
    delete(
        connection,
        changed,
        "UPDATE session
         SET expires_at = iif(created_at > :now, :now + expires_at - created_at, expires_at),
             created_at = min(created_at, :now),
             last_seen = :now
         WHERE rowid IN (SELECT rowid FROM session WHERE last_seen > :future LIMIT :batch)
         RETURNING digest",
        named_params! {
            ":now": now.as_millisecond(),
            ":future": future.as_millisecond(),
            ":batch": BATCH,
        },
    )
}
