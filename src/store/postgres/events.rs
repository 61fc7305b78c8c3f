//! The statements of the outbox.

use tokio_postgres::Row;

use crate::identity::{AppId, UserId};
use crate::session::SessionId;
use crate::store::events::{BATCH, Event, EventRemoval, PAGE, Waiting};
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;

/// Stores that the users of these logins were created. A user whose id is the one for a new user is new.
pub(super) const USERS_CREATED: &str = "
    INSERT INTO event (kind, account, app)
    SELECT 'user.created', login.id, login.app
    FROM unnest($1::bytea[], $2::text[]) AS login (id, app)
    CROSS JOIN LATERAL (SELECT root_id FROM account WHERE account.id = login.id OFFSET 0) AS account
    WHERE account.root_id IS NULL";

/// Deletes a user, and stores that, also for each user who was merged into them.
pub(super) const DELETE_ACCOUNT: &str = "
    WITH gone AS (DELETE FROM account WHERE id = $1 AND root_id IS NULL RETURNING id, app_id),
         merged AS (SELECT id, app_id FROM account WHERE root_id = $1 AND id IN (SELECT moved FROM user_conflict)),
         recorded AS (INSERT INTO event (kind, account, app)
                      SELECT 'user.deleted', id, app_id FROM (SELECT * FROM gone UNION ALL SELECT * FROM merged) AS deleted)
    SELECT id FROM gone";

/// Stores that a user was blocked.
pub(super) const USER_BLOCKED: &str = "
    INSERT INTO event (kind, account, app) SELECT 'user.blocked', id, app_id FROM account WHERE id = $1";

/// Leaves out the last statement, which stores an event, unless events are wanted.
pub(super) fn if_wanted<T>(records_events: bool, statements: &[T]) -> &[T] {
    match statements.split_last() {
        Some((_event, others)) if !records_events => others,
        Some(_) | None => statements,
    }
}

/// Returns the oldest events that need not wait for those of `except`.
pub(super) async fn oldest(link: Limited<'_>, except: &[UserId]) -> Result<Vec<Event>, Problem> {
    let sql = "SELECT position, id, kind, account, app, session, reason, at, other_user FROM event
               WHERE (account <> ALL ($1) OR other_user IS NOT NULL) AND position > $3 ORDER BY position LIMIT $2";
    let mut waiting = Waiting::new(except);
    let except: Vec<_> = except.iter().map(|user| user.0.as_slice()).collect();
    let (mut events, mut last) = (Vec::new(), Some(i64::MIN));
    // A page may be full of events that wait.
    while let Some(after) = last.filter(|_last| events.len() < usize::from(PAGE)) {
        let params: Params<'_> = &[&except, &i64::from(PAGE), &after];
        let rows = link.read(sql, params).await?;
        let page = rows.iter().map(event).collect::<Result<Vec<_>, _>>()?;
        let is_full = page.len() == usize::from(PAGE);
        let end = page.last().map(|event| event.position);
        last = end.filter(|_end| is_full);
        events.extend(page.into_iter().filter(|event| !waiting.holds_up(event)));
    }
    Ok(events)
}

fn event(row: &Row) -> Result<Event, Problem> {
    let [session, other]: [Option<&[u8]>; 2] = [rows::value(row, 5)?, rows::value(row, 8)?];
    Ok(Event {
        position: rows::value(row, 0)?,
        id: rows::bytes(row, 1)?,
        kind: rows::value(row, 2)?,
        user: UserId(rows::bytes(row, 3)?),
        app: rows::value::<Option<&str>>(row, 4)?.map(AppId::new),
        session: session
            .map(|_some| rows::bytes(row, 5).map(SessionId))
            .transpose()?,
        reason: rows::value(row, 6)?,
        at: rows::time(row, 7)?,
        other_user: other
            .map(|_some| rows::bytes(row, 8).map(UserId))
            .transpose()?,
    })
}

pub(super) async fn count(link: Limited<'_>) -> Result<u64, Problem> {
    let rows = link.read("SELECT count(*) FROM event", &[]).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| rows::value(row, 0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) async fn remove(link: Limited<'_>, removal: &EventRemoval) -> Result<usize, Problem> {
    let removed = match removal {
        EventRemoval::At(positions) => {
            let sql = "DELETE FROM event WHERE position = ANY ($1) RETURNING true";
            link.write(sql, &[positions]).await?
        }
        EventRemoval::Before(time) => {
            let sql = "DELETE FROM event WHERE position IN
                           (SELECT position FROM event WHERE at < $1 ORDER BY position LIMIT $2 FOR UPDATE SKIP LOCKED)
                       RETURNING true";
            let params: Params<'_> = &[&time.as_millisecond(), &i64::from(BATCH)];
            link.write(sql, params).await?
        }
    };
    Ok(removed.len())
}
