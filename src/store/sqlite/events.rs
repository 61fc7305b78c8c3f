//! The statements of the outbox.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::identity::{AppId, UserId};
use crate::session::{SessionId, TokenDigest};
use crate::store::events::{BATCH, EndReason, Event, PAGE, Waiting};
use crate::store::sqlite::rows::{app_at, time_at};

/// The effects of a write on other parts of the program.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// The sessions that statements have changed or ended, to be evicted from the cache.
    pub(super) digests: Vec<TokenDigest>,
    /// If `true`, statements store events about their changes.
    pub(super) records_events: bool,
}

/// Stores that a session ended. Its row begins with the columns `digest, id, user, app`.
pub(super) fn session_ended(
    connection: &Connection,
    row: &Row<'_>,
    reason: EndReason,
) -> rusqlite::Result<()> {
    let (session, user): ([u8; 16], [u8; 16]) = (row.get(1)?, row.get(2)?);
    connection
        .prepare_cached(
            "INSERT INTO event (kind, user, app, session, reason)
             VALUES ('session.revoked', ?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            user,
            app_at(row, 3)?.as_str(),
            session,
            reason.as_str()
        ])
        .map(drop)
}

/// Stores an event about a user, such as `user.blocked`, with the mini program that they last logged in to, and the user that they
/// became a part of or were separated from.
pub(super) fn user_changed(
    connection: &Connection,
    kind: &'static str,
    user: UserId,
    other: Option<UserId>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO event (kind, user, app, other_user) SELECT ?2, id, app_id, ?3 FROM user WHERE id = ?1",
        )?
        .execute(params![user.0, kind, other.map(|other| other.0)])
        .map(drop)
}

/// Stores that a user is deleted, also for each user who was merged into them. Changes nothing if there is no such user.
pub(super) fn user_deleted(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO event (kind, user, app) SELECT 'user.deleted', id, app_id FROM user
             WHERE (id = ?1 AND root_id IS NULL) OR (root_id = ?1 AND id IN (SELECT moved FROM user_conflict))
             ORDER BY root_id IS NOT NULL",
        )?
        .execute([user.0])
        .map(drop)
}

/// Returns the oldest events that need not wait for those of `except`.
pub(super) fn oldest(connection: &Connection, except: &[UserId]) -> rusqlite::Result<Vec<Event>> {
    let mut waiting = Waiting::new(except);
    let mut statement = connection.prepare_cached(
        "SELECT position, id, kind, user, app, session, reason, at, other_user FROM event ORDER BY position",
    )?;
    let events = statement.query_map((), event)?;
    let is_wanted = |event: &rusqlite::Result<Event>| {
        event
            .as_ref()
            .map_or(true, |event| !waiting.holds_up(event))
    };
    events.filter(is_wanted).take(PAGE.into()).collect()
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let app: Option<String> = row.get(4)?;
    Ok(Event {
        position: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        user: UserId(row.get(3)?),
        app: app.map(AppId::new),
        session: row.get::<_, Option<[u8; 16]>>(5)?.map(SessionId),
        reason: row.get(6)?,
        at: time_at(row, 7)?,
        other_user: row.get::<_, Option<[u8; 16]>>(8)?.map(UserId),
    })
}

pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM event", (), |row| {
        row.get(0).map(i64::unsigned_abs)
    })
}

pub(super) fn remove(connection: &Connection, positions: &[i64]) -> rusqlite::Result<usize> {
    let mut delete = connection.prepare_cached("DELETE FROM event WHERE position = ?1")?;
    let mut removed = 0;
    for position in positions {
        removed += delete.execute([position])?;
    }
    Ok(removed)
}

pub(super) fn remove_before(connection: &Connection, time: Timestamp) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM event WHERE position IN (
                 SELECT position FROM event WHERE at < ?1 ORDER BY position LIMIT ?2)",
        )?
        .execute(params![time.as_millisecond(), BATCH])
}
