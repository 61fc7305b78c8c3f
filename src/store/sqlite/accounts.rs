//! The statements of an operator: blocks, searches for users, and the numbers of users, sessions and logins.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use crate::identity::UserId;
use crate::session::{Block, User};
use crate::store::accounts::{
    LoginCount, NodeId, Statistics, UserKey, UserPage, UserPosition, UserQuery,
};
use crate::store::events::EndReason;
use crate::store::interface::Revocation;
use crate::store::sqlite::events::{self, Changed};
use crate::store::sqlite::rows::{app_at, time_at, user_at, user_columns};
use crate::store::sqlite::sessions::revoke_because;
use crate::time::minus;

/// Returns the number of ended sessions, or `None` if there is no such user.
pub(super) fn block(
    connection: &Connection,
    changed: &mut Changed,
    user: UserId,
    block: &Block,
) -> rusqlite::Result<Option<usize>> {
    let blocked = connection
        .prepare_cached(
            "UPDATE user SET blocked_at = ?2, block_reason = ?3 WHERE id = ?1 AND root_id IS NULL",
        )?
        .execute(params![user.0, block.at.as_millisecond(), block.reason])?;
    if blocked == 0 {
        return Ok(None);
    }
    let sessions = Revocation::AllOf(user);
    let ended = revoke_because(connection, changed, EndReason::Blocked, sessions)?;
    if changed.records_events {
        events::user_changed(connection, "user.blocked", user, None)?;
    }
    Ok(Some(ended))
}

/// Returns `false` if there is no such user.
pub(super) fn unblock(connection: &Connection, user: UserId) -> rusqlite::Result<bool> {
    let found = connection
        .prepare_cached("UPDATE user SET blocked_at = NULL, block_reason = NULL WHERE id = ?1 AND root_id IS NULL")?
        .execute([user.0])?;
    Ok(found > 0)
}

/// The users who have the identities of a condition.
macro_rules! users_of {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM user WHERE id IN (SELECT coalesce(root_id, id) FROM user AS identity WHERE ",
            $condition,
            ") ORDER BY created_at, id"
        )
    };
}

pub(super) fn find(connection: &Connection, key: &UserKey) -> rusqlite::Result<Vec<User>> {
    let (sql, keys): (_, Vec<&[u8]>) = match key {
        UserKey::Id(id) => (users_of!("identity.id = ?1"), vec![&id.0]),
        UserKey::Subjects(subjects) => (
            users_of!("identity.subject = ?1"),
            subjects
                .iter()
                .map(|subject| subject.0.as_slice())
                .collect(),
        ),
        UserKey::PhoneNumber(digests) => (
            users_of!("identity.id IN (SELECT user FROM phone_number WHERE digest = ?1)"),
            digests.iter().map(|digest| digest.0.as_slice()).collect(),
        ),
        UserKey::Person(digests) => (
            users_of!("identity.id IN (SELECT user FROM union_identity WHERE digest = ?1)"),
            digests.iter().map(|digest| digest.0.as_slice()).collect(),
        ),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut users: Vec<User> = Vec::new();
    for key in keys {
        for user in statement.query_map([key], |row| user_at(row, 0))? {
            let user = user?;
            if users.iter().all(|known| known.id != user.id) {
                users.push(user);
            }
        }
    }
    Ok(users)
}

/// The users of a window of the list, which begins after a position. A condition of its own lets SQLite use the index of the
/// blocked users.
macro_rules! window {
    ($columns:expr, $condition:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (SELECT * FROM user WHERE ",
            $condition,
            " AND root_id IS NULL AND (created_at, id) < (:created_at, :id) AND created_at >= :since
               ORDER BY created_at DESC, id DESC LIMIT :window) AS user"
        )
    };
}

/// The users of a window that match.
macro_rules! page {
    ($condition:literal) => {
        concat!(
            window!(user_columns!(), $condition),
            " WHERE (:app IS NULL OR app_id = :app
                     OR EXISTS (SELECT 1 FROM user AS identity WHERE identity.root_id = user.id AND identity.app_id = :app))
                AND (:nickname IS NULL OR instr(nickname, :nickname) > 0)
              ORDER BY created_at DESC, id DESC LIMIT :limit"
        )
    };
}

/// The last user of a window, if it is full.
macro_rules! end {
    ($condition:literal) => {
        concat!(
            window!("created_at, id", $condition),
            " ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET :window - 1"
        )
    };
}

pub(super) fn list(connection: &Connection, query: &UserQuery) -> rusqlite::Result<UserPage> {
    let (page, end) = if query.blocked {
        (
            page!("blocked_at IS NOT NULL"),
            end!("blocked_at IS NOT NULL"),
        )
    } else {
        (page!("true"), end!("true"))
    };
    let (created_at, id) = match query.after {
        Some(position) => (position.created_at.as_millisecond(), position.id.0),
        None => (i64::MAX, [u8::MAX; 16]),
    };
    let since = query
        .created_since
        .map_or(i64::MIN, Timestamp::as_millisecond);
    let window: &[(&str, &dyn rusqlite::ToSql)] = named_params! {
        ":created_at": created_at,
        ":id": id,
        ":since": since,
        ":window": query.window,
    };
    let filter: &[(&str, &dyn rusqlite::ToSql)] = named_params! {
        ":app": query.app.as_ref().map(crate::identity::AppId::as_str),
        ":nickname": query.nickname,
        ":limit": u16::from(query.limit) + 1,
    };
    let users = connection
        .prepare_cached(page)?
        .query_map([window, filter].concat().as_slice(), |row| user_at(row, 0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let end = connection
        .prepare_cached(end)?
        .query_row(window, |row| {
            Ok(UserPosition {
                created_at: time_at(row, 0)?,
                id: UserId(row.get(1)?),
            })
        })
        .optional()?;
    Ok(UserPage::of(users, query.limit, end))
}

pub(super) fn statistics(
    connection: &Connection,
    now: Timestamp,
    idle: SignedDuration,
    since: Date,
) -> rusqlite::Result<Statistics> {
    let count = |sql: &str, params: &[i64]| {
        let params = rusqlite::params_from_iter(params);
        connection.query_row(sql, params, |row| {
            row.get::<_, i64>(0).map(i64::unsigned_abs)
        })
    };
    let unused = minus(now, idle);
    let live = "SELECT count(*) FROM session WHERE expires_at > ?1 AND last_seen > ?2";
    Ok(Statistics {
        users: count(
            "SELECT (SELECT count(*) FROM user) - (SELECT count(*) FROM user WHERE root_id IS NOT NULL)",
            &[],
        )?,
        blocked_users: count("SELECT count(*) FROM user WHERE blocked_at IS NOT NULL", &[])?,
        sessions: count(live, &[now.as_millisecond(), unused.as_millisecond()])?,
        logins: connection
            .prepare(
                "SELECT day, app, sum(logins) FROM login_count WHERE day >= ?1 GROUP BY day, app ORDER BY day, app",
            )?
            .query_map([since.to_string()], login_count_at)?
            .collect::<rusqlite::Result<_>>()?,
    })
}

fn login_count_at(row: &Row<'_>) -> rusqlite::Result<LoginCount> {
    let day: String = row.get(0)?;
    let day = day.parse().map_err(|error: jiff::Error| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
    })?;
    Ok(LoginCount {
        day,
        app: app_at(row, 1)?,
        logins: row.get::<_, i64>(2)?.unsigned_abs(),
    })
}

pub(super) fn count_logins(
    connection: &Connection,
    node: NodeId,
    counts: &[LoginCount],
    keep_since: Date,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO login_count (day, app, node, logins) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET logins = max(logins, excluded.logins)",
    )?;
    for count in counts {
        let logins = i64::try_from(count.logins).unwrap_or(i64::MAX);
        statement.execute(params![
            count.day.to_string(),
            count.app.as_str(),
            node.0,
            logins
        ])?;
    }
    connection
        .prepare_cached("DELETE FROM login_count WHERE day < ?1")?
        .execute([keep_since.to_string()])
        .map(drop)
}
