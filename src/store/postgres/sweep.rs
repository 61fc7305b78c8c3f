//! The statements of a sweep. Each call changes a limited number of rows, and skips those that another node has locked.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use crate::session::TokenDigest;
use crate::store::clock::{Clock, ClockHistory, TOLERANCE, Times};
use crate::store::interface::Swept;
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::time::{minus, plus};

/// Maximum number of rows that one call changes in a table. Our choice: takes a few milliseconds.
const BATCH: i64 = 100;

/// Number of sessions that one step of the walk looks at, and maximum number of steps of one call. Our choice: a step takes
/// milliseconds.
const STEP: i64 = 10_000;
const STEPS: usize = 10;

/// Number of sessions up to which each sweep walks through all of them. Larger tables are walked through once a day: a
/// session that is unused for too long is rejected whether it was removed or not. Our choice.
const SMALL: f32 = 100_000.0;
const WALK_INTERVAL: SignedDuration = SignedDuration::from_hours(24);

/// The walk through all sessions in search of unused ones. There is no index of the last uses, because each update of one
/// would then change all indices.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Digest of the last session that was looked at; empty at the start.
    position: Vec<u8>,
    /// Time of the last complete walk.
    completed: Option<Timestamp>,
}

/// Removes expired sessions and ledger records, and corrects sessions of the future, as far as the clock allows. Also returns
/// the sessions to evict from the cache.
pub(super) async fn sweep(
    link: Limited<'_>,
    now: Timestamp,
    idle: SignedDuration,
    walk: &mut Walk,
) -> Result<(Swept, Vec<TokenDigest>), Problem> {
    let clock = observe(link, now).await?;
    if let Clock::Implausible { plausible } = clock {
        return Ok((Swept::ClockImplausible { plausible }, Vec::new()));
    }
    remove_revocations(link).await?;
    let records = remove_records(link, now).await?;
    let is_proven = matches!(clock, Clock::Proven);
    let expired = minus(now, TOLERANCE);
    let mut removed = Vec::new();
    if is_proven {
        removed = remove_expired(link, expired).await?;
    }
    let is_full = |changed: usize| i64::try_from(changed).is_ok_and(|changed| changed >= BATCH);
    let (mut changed, mut is_last) = (Vec::new(), !is_full(records) && !is_full(removed.len()));
    let mut sessions = removed.len();
    if is_last {
        let unused = minus(expired, idle);
        let unused = is_proven.then_some(unused);
        let walked = walk.go_on(link, now, unused).await?;
        sessions += walked.removed.len();
        is_last = walked.is_complete;
        changed = walked.corrected;
        changed.extend(walked.removed);
    }
    changed.extend(removed);
    Ok((Swept::Rows { sessions, is_last }, changed))
}

/// Adds the time to the history that all nodes share. A node that was faster has changed it, and is not overwritten.
async fn observe(link: Limited<'_>, now: Timestamp) -> Result<Clock, Problem> {
    let select = "SELECT since, latest, rival_since, rival_latest FROM clock";
    let update = "UPDATE clock SET since = $5, latest = $6, rival_since = $7, rival_latest = $8
                  WHERE since IS NOT DISTINCT FROM $1 AND latest IS NOT DISTINCT FROM $2
                    AND rival_since IS NOT DISTINCT FROM $3 AND rival_latest IS NOT DISTINCT FROM $4
                  RETURNING true";
    loop {
        let rows = link.read(select, &[]).await?;
        let row = rows.first();
        let row = row.ok_or_else(|| Problem::Malformed("no clock".to_owned()))?;
        let mut history = ClockHistory {
            plausible: times(row, 0)?,
            rival: times(row, 2)?,
        };
        let before = numbers(&history);
        let clock = history.observe(now);
        let after = numbers(&history);
        let params: Params<'_> = &[
            &before[0], &before[1], &before[2], &before[3], &after[0], &after[1], &after[2],
            &after[3],
        ];
        if before == after || !link.write(update, params).await?.is_empty() {
            return Ok(clock);
        }
    }
}

/// Reads two times, beginning with the column `first`.
fn times(row: &Row, first: usize) -> Result<Option<Times>, Problem> {
    if rows::value::<Option<i64>>(row, first)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Times {
        since: rows::time(row, first)?,
        latest: rows::time(row, first + 1)?,
    }))
}

fn numbers(history: &ClockHistory) -> [Option<i64>; 4] {
    let since = |times: Option<Times>| times.map(|times| times.since.as_millisecond());
    let latest = |times: Option<Times>| times.map(|times| times.latest.as_millisecond());
    let ClockHistory { plausible, rival } = *history;
    [
        since(plausible),
        latest(plausible),
        since(rival),
        latest(rival),
    ]
}

/// Removes the rows of the log that no node needs: a node whose last poll is older than half an hour clears its cache.
async fn remove_revocations(link: Limited<'_>) -> Result<(), Problem> {
    let sql = "DELETE FROM revocation WHERE ctid IN
                   (SELECT ctid FROM revocation WHERE at < now() - interval '1 hour' LIMIT 10000 FOR UPDATE SKIP LOCKED)";
    link.write(sql, &[]).await.map(drop)
}

/// Removes records whose value and lease have both expired.
async fn remove_records(link: Limited<'_>, now: Timestamp) -> Result<usize, Problem> {
    let sql = "DELETE FROM ledger WHERE key IN
                   (SELECT key FROM ledger WHERE expires_at <= $1 AND held_until <= $1 ORDER BY expires_at LIMIT $2
                    FOR UPDATE SKIP LOCKED)
               RETURNING true";
    let removed = link.write(sql, &[&now.as_millisecond(), &BATCH]).await?;
    Ok(removed.len())
}

/// Removes sessions whose lifetime ended at this time or before. The log of revocations need not have them: they are expired
/// by their own times in each cache.
async fn remove_expired(
    link: Limited<'_>,
    expired: Timestamp,
) -> Result<Vec<TokenDigest>, Problem> {
    let sql = "DELETE FROM session WHERE digest IN
                   (SELECT digest FROM session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
               RETURNING digest";
    let params: Params<'_> = &[&expired.as_millisecond(), &BATCH];
    rows::digests(&link.write(sql, params).await?)
}

/// Result of [`Walk::go_on`].
struct Walked {
    removed: Vec<TokenDigest>,
    corrected: Vec<TokenDigest>,
    is_complete: bool,
}

impl Walk {
    /// Goes on until some sessions were changed, or all were looked at. Removes those last used at `unused` or before, and
    /// corrects those of the future.
    async fn go_on(
        &mut self,
        link: Limited<'_>,
        now: Timestamp,
        unused: Option<Timestamp>,
    ) -> Result<Walked, Problem> {
        let mut walked = Walked {
            removed: Vec::new(),
            corrected: Vec::new(),
            is_complete: self.position.is_empty() && !self.is_due(link, now).await?,
        };
        for _step in 0..STEPS {
            let is_changed = !walked.removed.is_empty() || !walked.corrected.is_empty();
            if walked.is_complete || is_changed {
                break;
            }
            let next = "SELECT digest FROM (SELECT digest FROM session WHERE digest > $1 ORDER BY digest LIMIT $2) AS step
                        ORDER BY digest DESC LIMIT 1";
            let rows = link.read(next, &[&self.position, &STEP]).await?;
            let Some(end) = rows.first() else {
                self.position.clear();
                self.completed = unused.map(|_proven| now);
                walked.is_complete = true;
                break;
            };
            let end: Vec<u8> = rows::value(end, 0)?;
            walked.corrected = self.correct_future(link, &end, now).await?;
            if let Some(unused) = unused {
                walked.removed = self.remove_unused(link, &end, unused).await?;
            }
            let most = walked.removed.len().max(walked.corrected.len());
            if i64::try_from(most).is_ok_and(|most| most < BATCH) {
                self.position = end;
            }
        }
        Ok(walked)
    }

    /// Returns `true` if it is time for another walk.
    async fn is_due(&self, link: Limited<'_>, now: Timestamp) -> Result<bool, Problem> {
        let sql = "SELECT reltuples FROM pg_class WHERE oid = 'session'::regclass";
        let rows = link.read(sql, &[]).await?;
        let sessions: f32 = rows.first().map_or(Ok(0.0), |row| rows::value(row, 0))?;
        let is_recent = |completed| now.duration_since(completed).abs() < WALK_INTERVAL;
        Ok(sessions <= SMALL || !self.completed.is_some_and(is_recent))
    }

    async fn remove_unused(
        &self,
        link: Limited<'_>,
        end: &[u8],
        unused: Timestamp,
    ) -> Result<Vec<TokenDigest>, Problem> {
        let sql = "DELETE FROM session WHERE digest IN
                       (SELECT digest FROM session WHERE digest > $1 AND digest <= $2 AND last_seen <= $3 LIMIT $4
                        FOR UPDATE SKIP LOCKED)
                   RETURNING digest";
        let params: Params<'_> = &[&self.position, &end, &unused.as_millisecond(), &BATCH];
        rows::digests(&link.write(sql, params).await?)
    }

    /// Lets the sessions whose times are in the future begin now. They were used while the clock was ahead. The log makes
    /// the other nodes read them again.
    async fn correct_future(
        &self,
        link: Limited<'_>,
        end: &[u8],
        now: Timestamp,
    ) -> Result<Vec<TokenDigest>, Problem> {
        let sql = "WITH corrected AS (UPDATE session
                       SET expires_at = CASE WHEN created_at > $3 THEN $3 + expires_at - created_at ELSE expires_at END,
                           created_at = least(created_at, $3), last_seen = $3
                       WHERE digest IN
                           (SELECT digest FROM session WHERE digest > $1 AND digest <= $2 AND last_seen > $4 LIMIT $5
                            FOR UPDATE SKIP LOCKED)
                       RETURNING digest),
                   logged AS (INSERT INTO revocation (digest) SELECT digest FROM corrected)
                   SELECT digest FROM corrected";
        let future = plus(now, TOLERANCE);
        let (now, future) = (now.as_millisecond(), future.as_millisecond());
        let params: Params<'_> = &[&self.position, &end, &now, &future, &BATCH];
        rows::digests(&link.write(sql, params).await?)
    }
}
