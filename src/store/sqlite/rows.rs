//! Conversion of rows into sessions and users.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use crate::identity::{AppId, Subject, UserId};
use crate::session::{Block, Device, Profile, Sealed, Session, SessionId, TokenDigest, User};

/// The columns that [`session_at`] reads.
macro_rules! session_columns {
    () => {
        "digest, session.id, session.user, app, session.created_at, expires_at, last_seen, device, session_keys"
    };
}
pub(super) use session_columns;

/// The columns that [`user_at`] reads.
macro_rules! user_columns {
    () => {
        "user.id, subject, openid, unionid, user.created_at, nickname, avatar_url, app_id, blocked_at, block_reason,
         (SELECT number FROM phone_number WHERE phone_number.user = user.id)"
    };
}
pub(super) use user_columns;

/// The columns that [`user_at`] reads, of the row `identity` and of the user that it is an identity of.
macro_rules! identity_columns {
    () => {
        "user.id, identity.subject, identity.openid, identity.unionid, user.created_at, user.nickname, user.avatar_url,
         identity.app_id, user.blocked_at, user.block_reason,
         (SELECT number FROM phone_number WHERE phone_number.user = user.id)"
    };
}
pub(super) use identity_columns;

/// Reads a session from the first columns.
pub(super) fn session_at(row: &Row<'_>) -> rusqlite::Result<Session> {
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

/// Reads an AppID.
pub(super) fn app_at(row: &Row<'_>, index: usize) -> rusqlite::Result<AppId> {
    Ok(AppId::new(row.get_ref(index)?.as_str()?))
}

/// Reads a user, beginning with the column `first`.
pub(super) fn user_at(row: &Row<'_>, first: usize) -> rusqlite::Result<User> {
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
        app: row.get::<_, Option<String>>(first + 7)?.map(AppId::new),
        block: block_at(row, first + 8)?,
        phone_number: row.get::<_, Option<Vec<u8>>>(first + 10)?.map(Sealed),
    })
}

/// Reads a block: its time and its reason.
fn block_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Block>> {
    if row.get::<_, Option<i64>>(first)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Block {
        at: time_at(row, first)?,
        reason: row.get(first + 1)?,
    }))
}

/// Reads a time in milliseconds.
pub(super) fn time_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(index)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, Box::new(error))
    })
}
