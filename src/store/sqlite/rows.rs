//! The statements, and how rows become users and sessions.
//!
//! Knows SQL. Never knows transactions, threads or what a row means to anybody.

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use crate::identity::{AppId, Subject, UserId};
use crate::session::{Sealed, Session, TokenDigest, User};
use crate::store::{LoggedIn, Login};

pub(super) fn log_in(connection: &Connection, login: &Login) -> rusqlite::Result<LoggedIn> {
    let user = connection
        .prepare_cached(
            "INSERT INTO user (id, subject, openid, unionid, created_at)
             VALUES (:id, :subject, :openid, :unionid, :now)
             ON CONFLICT (subject) DO UPDATE
             SET openid = excluded.openid, unionid = coalesce(excluded.unionid, unionid)
             RETURNING id, subject, openid, unionid, created_at",
        )?
        .query_row(
            named_params! {
                ":id": login.user_if_new.0,
                ":subject": login.subject.0,
                ":openid": login.openid.0,
                ":unionid": login.unionid.as_ref().map(|unionid| &unionid.0),
                ":now": login.now.as_millisecond(),
            },
            |row| user_at(row, 0),
        )?;
    connection
        .prepare_cached(
            "INSERT INTO session (digest, user, app, created_at, expires_at, last_seen, session_key)
             VALUES (:digest, :user, :app, :now, :expires_at, :now, :session_key)",
        )?
        .execute(named_params! {
            ":digest": login.digest.0,
            ":user": user.id.0,
            ":app": login.app.as_str(),
            ":now": login.now.as_millisecond(),
            ":expires_at": login.expires_at.as_millisecond(),
            ":session_key": login.session_key.0,
        })?;
    let others = login.sessions_per_user.saturating_sub(1);
    connection
        .prepare_cached(
            "DELETE FROM session WHERE rowid IN (
                 SELECT rowid FROM session WHERE user = ?1 AND digest <> ?2
                 ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![user.id.0, login.digest.0, others])?;
    Ok(LoggedIn {
        is_new: user.id == login.user_if_new,
        user,
    })
}

pub(super) fn find(
    connection: &Connection,
    digest: TokenDigest,
) -> rusqlite::Result<Option<(Session, User)>> {
    connection
        .prepare_cached(
            "SELECT session.app, session.created_at, expires_at, last_seen, session_key,
                    user.id, subject, openid, unionid, user.created_at
             FROM session JOIN user ON user.id = session.user WHERE digest = ?1",
        )?
        .query_row([digest.0], |row| {
            let user = user_at(row, 5)?;
            let session = Session {
                digest,
                user: user.id,
                app: AppId::new(row.get::<_, String>(0)?),
                created_at: time_at(row, 1)?,
                expires_at: time_at(row, 2)?,
                last_seen: time_at(row, 3)?,
                session_key: Sealed(row.get(4)?),
            };
            Ok((session, user))
        })
        .optional()
}

pub(super) fn touch(
    connection: &Connection,
    digest: TokenDigest,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE session SET last_seen = max(last_seen, ?2) WHERE digest = ?1")?
        .execute(params![digest.0, now.as_millisecond()])
        .map(drop)
}

pub(super) fn end(connection: &Connection, digest: TokenDigest) -> rusqlite::Result<bool> {
    let ended = connection
        .prepare_cached("DELETE FROM session WHERE digest = ?1")?
        .execute([digest.0])?;
    Ok(ended > 0)
}

pub(super) fn sweep(
    connection: &Connection,
    now: Timestamp,
    idle: SignedDuration,
) -> rusqlite::Result<usize> {
    let unused_since = now.saturating_sub(idle).unwrap_or(Timestamp::MIN);
    connection
        .prepare_cached("DELETE FROM session WHERE expires_at <= ?1 OR last_seen <= ?2")?
        .execute([now.as_millisecond(), unused_since.as_millisecond()])
}

pub(super) fn ready(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .query_row("SELECT 1 FROM user LIMIT 1", (), |_row| Ok(()))
        .optional()
        .map(drop)
}

fn user_at(row: &Row<'_>, first: usize) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId(row.get(first)?),
        subject: Subject(row.get(first + 1)?),
        openid: Sealed(row.get(first + 2)?),
        unionid: row.get::<_, Option<Vec<u8>>>(first + 3)?.map(Sealed),
        created_at: time_at(row, first + 4)?,
    })
}

pub(super) fn time_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(index)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, Box::new(error))
    })
}
