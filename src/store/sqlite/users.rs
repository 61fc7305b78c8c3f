//! The statements about users.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use crate::identity::UserId;
use crate::session::{Change, ProfileChange, User};
use crate::store::interface::Login;
use crate::store::sqlite::people::Owner;
use crate::store::sqlite::rows::{identity_columns, user_at, user_columns};

/// Finds or creates the identity of a login. A new one is linked to `owner`, the identity that has its unionid. Returns the user
/// and the id of the identity.
pub(super) fn upsert(
    connection: &Connection,
    login: &Login,
    owner: Option<Owner>,
) -> rusqlite::Result<(User, UserId)> {
    let owner = owner.map(|owner| owner.identity);
    let (own, user) = connection
        .prepare_cached(concat!(
            "INSERT INTO user (id, subject, openid, unionid, created_at, app_id, parent_id, root_id)
             VALUES (:id, :subject, :openid, :unionid, :now, :app, :parent, :root)
             ON CONFLICT (subject) DO UPDATE
             SET openid = excluded.openid, unionid = coalesce(excluded.unionid, unionid), app_id = excluded.app_id
             RETURNING ",
            user_columns!(),
            ", root_id",
        ))?
        .query_row(
            named_params! {
                ":id": login.user_if_new.0,
                ":subject": login.subject.0,
                ":openid": login.openid.0,
                ":unionid": login.unionid.as_ref().map(|unionid| &unionid.0),
                ":now": login.now.as_millisecond(),
                ":app": login.app.as_str(),
                ":parent": owner.map(|owner| owner.id.0),
                ":root": owner.map(|owner| owner.user.0),
            },
            |row| Ok((user_at(row, 0)?, row.get::<_, Option<[u8; 16]>>(11)?)),
        )?;
    let identity = own.id;
    let user = match user {
        Some(user) => of_identity(connection, identity, UserId(user))?,
        None => own,
    };
    Ok((user, identity))
}

/// Reads a user with one of the identities.
fn of_identity(connection: &Connection, identity: UserId, user: UserId) -> rusqlite::Result<User> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            identity_columns!(),
            " FROM user AS identity JOIN user ON user.id = ?2 WHERE identity.id = ?1",
        ))?
        .query_row(params![identity.0, user.0], |row| user_at(row, 0))
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
             WHERE id = ?1 AND root_id IS NULL
             RETURNING ",
            user_columns!(),
        ))?
        .query_row(
            params![user.0, sets_nickname, nickname, sets_avatar_url, avatar_url],
            |row| user_at(row, 0),
        )
        .optional()
}

/// Deletes a user without sessions, with all identities. Returns their ids, the user's own first.
pub(super) fn delete(connection: &Connection, user: UserId) -> rusqlite::Result<Vec<UserId>> {
    let mut deleted = Vec::new();
    for sql in [
        "DELETE FROM user WHERE id = ?1 AND root_id IS NULL RETURNING id",
        "DELETE FROM user WHERE root_id = ?1 RETURNING id",
    ] {
        let mut statement = connection.prepare_cached(sql)?;
        for id in statement.query_map([user.0], |row| row.get(0).map(UserId))? {
            deleted.push(id?);
        }
    }
    Ok(deleted)
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
