//! The statements, and how rows become users and sessions.
//!
//! Knows SQL. Never knows transactions, threads or what a row means to anybody.

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, named_params, params};

use crate::identity::{AppId, Subject, UserId};
use crate::session::{
    Change, Device, Profile, ProfileChange, Sealed, Session, SessionId, SessionStatus, TokenDigest,
    User,
};
use crate::store::sqlite::writer::Changed;
use crate::store::{LoggedIn, Login, Revocation, Update};

pub(super) fn log_in(
    connection: &Connection,
    changed: &mut Changed,
    login: &Login,
) -> rusqlite::Result<LoggedIn> {
    let user = connection
        .prepare_cached(
            "INSERT INTO user (id, subject, openid, unionid, created_at)
             VALUES (:id, :subject, :openid, :unionid, :now)
             ON CONFLICT (subject) DO UPDATE
             SET openid = excluded.openid, unionid = coalesce(excluded.unionid, unionid)
             RETURNING id, subject, openid, unionid, created_at, nickname, avatar_url",
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
            "INSERT INTO session
                 (digest, id, user, app, created_at, expires_at, last_seen, device, session_keys)
             VALUES (:digest, :id, :user, :app, :now, :expires_at, :now, :device, :session_keys)",
        )?
        .execute(named_params! {
            ":digest": login.digest.0,
            ":id": login.id.0,
            ":user": user.id.0,
            ":app": login.app.as_str(),
            ":now": login.now.as_millisecond(),
            ":expires_at": login.expires_at.as_millisecond(),
            ":device": login.device.as_str(),
            ":session_keys": login.session_keys.0,
        })?;
    end_oldest(connection, changed, login, user.id)?;
    Ok(LoggedIn {
        is_new: user.id == login.user_if_new,
        user,
    })
}

/// Ends the user's oldest sessions over the bound.
///
/// The bound is no parameter of the statement: SQLite would plan it anew at each login, which takes as long as the rest of it.
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
    let over = digests.skip(usize::try_from(others).unwrap_or(usize::MAX));
    for digest in over.collect::<rusqlite::Result<Vec<_>>>()? {
        revoke(connection, changed, Revocation::Session(digest))?;
    }
    Ok(())
}

/// What [`session_at`] reads.
macro_rules! session_columns {
    () => {
        "digest, session.id, session.user, app, session.created_at, expires_at, last_seen, device, session_keys"
    };
}

pub(super) fn find(
    connection: &Connection,
    digest: TokenDigest,
) -> rusqlite::Result<Option<(Session, User)>> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            session_columns!(),
            ", user.id, subject, openid, unionid, user.created_at, nickname, avatar_url
             FROM session JOIN user ON user.id = session.user WHERE digest = ?1",
        ))?
        .query_row([digest.0], |row| Ok((session_at(row)?, user_at(row, 9)?)))
        .optional()
}

pub(super) fn session_status(
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

pub(super) fn sessions_of(connection: &Connection, user: UserId) -> rusqlite::Result<Vec<Session>> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            session_columns!(),
            " FROM session WHERE user = ?1 ORDER BY created_at DESC, rowid DESC",
        ))?
        .query_map([user.0], session_at)?
        .collect()
}

/// Runs a statement that returns the digests of the sessions that it deletes; how many there were.
fn delete(
    connection: &Connection,
    changed: &mut Changed,
    statement: &str,
    params: impl Params,
) -> rusqlite::Result<usize> {
    let before = changed.len();
    let mut statement = connection.prepare_cached(statement)?;
    for digest in statement.query_map(params, |row| Ok(TokenDigest(row.get(0)?)))? {
        changed.push(digest?);
    }
    Ok(changed.len() - before)
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
    changed.push(digest);
    Ok(updated? > 0)
}

pub(super) fn revoke(
    connection: &Connection,
    changed: &mut Changed,
    revocation: Revocation,
) -> rusqlite::Result<usize> {
    match revocation {
        Revocation::Session(digest) => delete(
            connection,
            changed,
            "DELETE FROM session WHERE digest = ?1 RETURNING digest",
            [digest.0],
        ),
        Revocation::Id(user, id) => delete(
            connection,
            changed,
            "DELETE FROM session WHERE user = ?1 AND id = ?2 RETURNING digest",
            [user.0, id.0],
        ),
        Revocation::OthersOf(user, digest) => delete(
            connection,
            changed,
            "DELETE FROM session WHERE user = ?1 AND digest <> ?2 RETURNING digest",
            params![user.0, digest.0],
        ),
        Revocation::AllOf(user) => delete(
            connection,
            changed,
            "DELETE FROM session WHERE user = ?1 RETURNING digest",
            [user.0],
        ),
    }
}

pub(super) fn change_profile(
    connection: &Connection,
    user: UserId,
    change: &ProfileChange,
) -> rusqlite::Result<Option<User>> {
    let (sets_nickname, nickname) = column(&change.nickname);
    let (sets_avatar_url, avatar_url) = column(&change.avatar_url);
    connection
        .prepare_cached(
            "UPDATE user SET nickname = iif(?2, ?3, nickname), avatar_url = iif(?4, ?5, avatar_url)
             WHERE id = ?1
             RETURNING id, subject, openid, unionid, created_at, nickname, avatar_url",
        )?
        .query_row(
            params![user.0, sets_nickname, nickname, sets_avatar_url, avatar_url],
            |row| user_at(row, 0),
        )
        .optional()
}

/// Whether a column is to be written, and with what.
fn column(change: &Change) -> (bool, Option<&str>) {
    match change {
        Change::Keep => (false, None),
        Change::Clear => (true, None),
        Change::Set(text) => (true, Some(text)),
    }
}

pub(super) fn sweep(
    connection: &Connection,
    changed: &mut Changed,
    now: Timestamp,
    idle: SignedDuration,
) -> rusqlite::Result<usize> {
    let unused_since = now.saturating_sub(idle).unwrap_or(Timestamp::MIN);
    delete(
        connection,
        changed,
        "DELETE FROM session WHERE rowid IN (
             SELECT rowid FROM session WHERE expires_at <= ?1 OR last_seen <= ?2 LIMIT 1000)
         RETURNING digest",
        [now.as_millisecond(), unused_since.as_millisecond()],
    )
}

pub(super) fn ready(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .query_row("SELECT 1 FROM user LIMIT 1", (), |_row| Ok(()))
        .optional()
        .map(drop)
}

fn session_at(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        digest: TokenDigest(row.get(0)?),
        id: SessionId(row.get(1)?),
        user: UserId(row.get(2)?),
        app: app_at(row, 3)?,
        created_at: time_at(row, 4)?,
        expires_at: time_at(row, 5)?,
        last_seen: time_at(row, 6)?,
        device: Device::new(&row.get::<_, String>(7)?),
        session_keys: Sealed(row.get(8)?),
    })
}

fn app_at(row: &Row<'_>, index: usize) -> rusqlite::Result<AppId> {
    Ok(AppId::new(row.get_ref(index)?.as_str()?))
}

fn user_at(row: &Row<'_>, first: usize) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId(row.get(first)?),
        subject: Subject(row.get(first + 1)?),
        openid: Sealed(row.get(first + 2)?),
        unionid: row.get::<_, Option<Vec<u8>>>(first + 3)?.map(Sealed),
        created_at: time_at(row, first + 4)?,
        profile: Profile {
            nickname: row.get(first + 5)?,
            avatar_url: row.get(first + 6)?,
        },
    })
}

pub(super) fn time_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(index)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, Box::new(error))
    })
}
