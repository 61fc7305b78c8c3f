//! The statements about users.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use crate::identity::UserId;
use crate::session::{Change, ProfileChange, User};
use crate::store::interface::Login;
use crate::store::sqlite::rows::{user_at, user_columns};

/// Finds or creates the user of a login.
pub(super) fn upsert(connection: &Connection, login: &Login) -> rusqlite::Result<User> {
    connection
        .prepare_cached(concat!(
            "INSERT INTO user (id, subject, openid, unionid, created_at, app_id)
             VALUES (:id, :subject, :openid, :unionid, :now, :app)
             ON CONFLICT (subject) DO UPDATE
             SET openid = excluded.openid, unionid = coalesce(excluded.unionid, unionid), app_id = excluded.app_id
             RETURNING ",
            user_columns!(),
        ))?
        .query_row(
            named_params! {
                ":id": login.user_if_new.0,
                ":subject": login.subject.0,
                ":openid": login.openid.0,
                ":unionid": login.unionid.as_ref().map(|unionid| &unionid.0),
                ":now": login.now.as_millisecond(),
                ":app": login.app.as_str(),
            },
            |row| user_at(row, 0),
        )
}

pub(super) fn change_profile(
    connection: &Connection,
    user: UserId,
    change: &ProfileChange,
) -> rusqlite::Result<Option<User>> {
    let (sets_nickname, nickname) = assignment(&change.nickname);
    let (sets_avatar_url, avatar_url) = assignment(&change.avatar_url);
    connection
        .prepare_cached(concat!(
            "UPDATE user SET nickname = iif(?2, ?3, nickname), avatar_url = iif(?4, ?5, avatar_url)
             WHERE id = ?1
             RETURNING ",
            user_columns!(),
        ))?
        .query_row(
            params![user.0, sets_nickname, nickname, sets_avatar_url, avatar_url],
            |row| user_at(row, 0),
        )
        .optional()
}

/// Deletes a user without sessions.
pub(super) fn delete(connection: &Connection, user: UserId) -> rusqlite::Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM user WHERE id = ?1")?
        .execute([user.0])?;
    Ok(deleted > 0)
}

/// Returns `true` if a column is to be written, and its new value.
fn assignment(change: &Change) -> (bool, Option<&str>) {
    match change {
        Change::Keep => (false, None),
        Change::Clear => (true, None),
        Change::Set(text) => (true, Some(text)),
    }
}

/// Reads from the database.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .query_row("SELECT 1 FROM user LIMIT 1", (), |_row| Ok(()))
        .optional()
        .map(drop)
}
