//! The statements about sessions.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, ToSql, named_params, params};

use crate::identity::UserId;
use crate::session::{Session, SessionStatus, TokenDigest, User};
use crate::store::events::EndReason;
use crate::store::interface::{LoggedIn, Login, Revocation, Update};
use crate::store::sqlite::events::{self, Changed};
use crate::store::sqlite::people::{self, Identity};
use crate::store::sqlite::rows::{
    app_at, identity_columns, session_at, session_columns, time_at, user_at,
};
use crate::store::sqlite::users;

/// The statement that ends the sessions of a condition.
macro_rules! end_where {
    ($($condition:expr),+) => {
        concat!(
            "DELETE FROM session WHERE ",
            $($condition,)+
            " RETURNING digest, id, user, app"
        )
    };
}
pub(super) use end_where;

pub(super) fn log_in(
    connection: &Connection,
    changed: &mut Changed,
    login: &Login,
) -> rusqlite::Result<LoggedIn> {
    let owner = people::owner(connection, &login.person)?;
    let (user, identity) = users::upsert(connection, login, owner)?;
    if !login.person.is_empty() {
        let identity = Identity {
            id: identity,
            user: user.id,
        };
        people::register(connection, &login.person, owner, identity, login.now)?;
    }
    if user.block.is_some() {
        return Ok(LoggedIn {
            is_new: false,
            user,
        });
    }
    if let Some(replaced) = login.replaces {
        end(
            connection,
            changed,
            EndReason::Replaced,
            end_where!("digest = ?1 AND user = ?2"),
            params![replaced.0, user.id.0],
        )?;
    }
    connection
        .prepare_cached(
            "INSERT INTO session
                 (digest, id, user, identity_id, app, created_at, expires_at, last_seen, device, session_keys)
             VALUES (:digest, :id, :user, :identity, :app, :now, :expires_at, :now, :device, :session_keys)",
        )?
        .execute(named_params! {
            ":digest": login.digest.0,
            ":id": login.id.0,
            ":user": user.id.0,
            ":identity": (identity != user.id).then_some(identity.0),
            ":app": login.app.as_str(),
            ":now": login.now.as_millisecond(),
            ":expires_at": login.expires_at.as_millisecond(),
            ":device": login.device.as_str(),
            ":session_keys": login.session_keys.0,
        })?;
    end_oldest(connection, changed, login, user.id)?;
    let is_new = user.id == login.user_if_new;
    if is_new && changed.records_events {
        events::user_changed(connection, "user.created", user.id, None)?;
    }
    Ok(LoggedIn { user, is_new })
}

/// Writes what a login of a new user writes, and removes it.
pub(super) fn probe(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let user: [u8; 16] = connection
        .prepare_cached(
            "INSERT INTO user (id, subject, openid, created_at)
             VALUES (randomblob(16), randomblob(32), zeroblob(56), ?1) RETURNING id",
        )?
        .query_row([now.as_millisecond()], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO session
                 (digest, id, user, app, created_at, expires_at, last_seen, device, session_keys)
             VALUES (randomblob(32), randomblob(16), ?1, 'probe', ?2, ?2, ?2, '', zeroblob(56))",
        )?
        .execute(params![user, now.as_millisecond()])?;
    // Deletes the session as well.
    connection
        .prepare_cached("DELETE FROM user WHERE id = ?1")?
        .execute([user])
        .map(drop)
}

/// Ends the user's oldest sessions over the limit.
///
/// The limit is not a parameter of the statement, because SQLite would then prepare it again for each login, which takes as
/// long as the rest of the login.
fn end_oldest(
    connection: &Connection,
    changed: &mut Changed,
    login: &Login,
    user: UserId,
) -> rusqlite::Result<()> {
    let others = login.sessions_per_user.saturating_sub(1);
    let mut older = connection.prepare_cached(
        "SELECT digest FROM session WHERE user = ?1 AND digest <> ?2
         ORDER BY created_at DESC, rowid DESC",
    )?;
    let digests = older.query_map(params![user.0, login.digest.0], |row| {
        Ok(TokenDigest(row.get(0)?))
    })?;
    let excess = digests.skip(usize::try_from(others).unwrap_or(usize::MAX));
    for digest in excess.collect::<rusqlite::Result<Vec<_>>>()? {
        let revocation = Revocation::Session(digest);
        revoke_because(connection, changed, EndReason::Limit, revocation)?;
    }
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    digest: TokenDigest,
) -> rusqlite::Result<Option<(Session, User)>> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            identity_columns!(),
            " FROM session JOIN user ON user.id = session.user
                           JOIN user AS identity ON identity.id = coalesce(identity_id, session.user)
              WHERE digest = ?1",
        ))?
        .query_row([digest.0], |row| Ok((session_at(row)?, user_at(row, 9)?)))
        .optional()
}

pub(super) fn status(
    connection: &Connection,
    digest: TokenDigest,
) -> rusqlite::Result<Option<SessionStatus>> {
    connection
        .prepare_cached(
            "SELECT user.id, user.created_at, app, session.created_at, expires_at, last_seen
             FROM session JOIN user ON user.id = session.user WHERE digest = ?1",
        )?
        .query_row([digest.0], |row| {
            Ok(SessionStatus {
                user: UserId(row.get(0)?),
                user_created_at: time_at(row, 1)?,
                app: app_at(row, 2)?,
                created_at: time_at(row, 3)?,
                expires_at: time_at(row, 4)?,
                last_seen: time_at(row, 5)?,
            })
        })
        .optional()
}

pub(super) fn of_user(connection: &Connection, user: UserId) -> rusqlite::Result<Vec<Session>> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            session_columns!(),
            " FROM session WHERE user = ?1 ORDER BY created_at DESC, rowid DESC",
        ))?
        .query_map([user.0], session_at)?
        .collect()
}

/// Counts all sessions. SQLite scans the smallest index, which contains a time and a row number per session.
pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM session", (), |row| {
        row.get(0).map(i64::unsigned_abs)
    })
}

pub(super) fn update(
    connection: &Connection,
    changed: &mut Changed,
    digest: TokenDigest,
    update: &Update,
) -> rusqlite::Result<bool> {
    let updated = match update {
        Update::Used(now) => connection
            .prepare_cached("UPDATE session SET last_seen = max(last_seen, ?2) WHERE digest = ?1")?
            .execute(params![digest.0, now.as_millisecond()]),
        Update::SessionKeys(sealed) => connection
            .prepare_cached("UPDATE session SET session_keys = ?2 WHERE digest = ?1")?
            .execute(params![digest.0, sealed.0]),
    };
    changed.digests.push(digest);
    Ok(updated? > 0)
}

/// Ends sessions on the request of their user or of an operator.
pub(super) fn revoke(
    connection: &Connection,
    changed: &mut Changed,
    revocation: Revocation,
) -> rusqlite::Result<usize> {
    let reason = match revocation {
        Revocation::Session(_) => EndReason::Logout,
        Revocation::Id(..) | Revocation::OthersOf(..) | Revocation::AllOf(_) => EndReason::Revoked,
    };
    revoke_because(connection, changed, reason, revocation)
}

/// Ends sessions for a reason of the caller.
pub(super) fn revoke_because(
    connection: &Connection,
    changed: &mut Changed,
    reason: EndReason,
    revocation: Revocation,
) -> rusqlite::Result<usize> {
    let mut end =
        |statement, params: &[&dyn ToSql]| end(connection, changed, reason, statement, params);
    match revocation {
        Revocation::Session(digest) => end(end_where!("digest = ?1"), params![digest.0]),
        Revocation::Id(user, id) => end(end_where!("user = ?1 AND id = ?2"), params![user.0, id.0]),
        Revocation::OthersOf(user, digest) => end(
            end_where!("user = ?1 AND digest <> ?2"),
            params![user.0, digest.0],
        ),
        Revocation::AllOf(user) => end(end_where!("user = ?1"), params![user.0]),
    }
}

/// Deletes a user with all sessions. Returns the ids of their identities.
pub(super) fn delete_user(
    connection: &Connection,
    changed: &mut Changed,
    user: UserId,
) -> rusqlite::Result<Vec<UserId>> {
    let sessions = Revocation::AllOf(user);
    revoke_because(connection, changed, EndReason::Deleted, sessions)?;
    if changed.records_events {
        events::user_deleted(connection, user)?;
    }
    users::delete(connection, user)
}

/// Runs a statement of [`end_where!`], and stores an event for each session if events are wanted.
pub(super) fn end(
    connection: &Connection,
    changed: &mut Changed,
    reason: EndReason,
    statement: &str,
    params: &[&dyn ToSql],
) -> rusqlite::Result<usize> {
    let before = changed.digests.len();
    let mut statement = connection.prepare_cached(statement)?;
    let mut ended = statement.query(params)?;
    while let Some(row) = ended.next()? {
        changed.digests.push(TokenDigest(row.get(0)?));
        if changed.records_events {
            events::session_ended(connection, row, reason)?;
        }
    }
    Ok(changed.digests.len() - before)
}

/// Runs a statement of a sweep that returns the digests of the sessions that it deletes or changes, and counts them.
pub(super) fn delete(
    connection: &Connection,
    changed: &mut Changed,
    statement: &str,
    params: impl Params,
) -> rusqlite::Result<usize> {
    let before = changed.digests.len();
    let mut statement = connection.prepare_cached(statement)?;
    for digest in statement.query_map(params, |row| Ok(TokenDigest(row.get(0)?)))? {
        changed.digests.push(digest?);
    }
    Ok(changed.digests.len() - before)
}
