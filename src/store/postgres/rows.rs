//! Conversion of rows into sessions and users.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::identity::{AppId, Subject, UserId};
use crate::session::{Block, Device, Profile, Sealed, Session, SessionId, TokenDigest, User};
use crate::store::postgres::problem::Problem;

/// The columns that [`session`] reads.
macro_rules! session_columns {
    () => {
        "digest, session.id, session.account, app, session.created_at, expires_at, last_seen, device, session_keys"
    };
}
pub(super) use session_columns;

/// The columns that [`user`] reads.
macro_rules! user_columns {
    () => {
        "account.id, subject, openid, unionid, account.created_at, nickname, avatar_url, app_id, blocked_at, block_reason,
         (SELECT number FROM phone_number WHERE phone_number.account = account.id)"
    };
}
pub(super) use user_columns;

/// The columns that [`user`] reads, of the row `identity` and of the user that it is an identity of.
macro_rules! identity_columns {
    () => {
        "account.id, identity.subject, identity.openid, identity.unionid, account.created_at, account.nickname,
         account.avatar_url, identity.app_id, account.blocked_at, account.block_reason,
         (SELECT number FROM phone_number WHERE phone_number.account = account.id)"
    };
}
pub(super) use identity_columns;

/// Joins the identity that has the subject of a row.
///
/// PostgreSQL goes on using the plan of a prepared statement that it made while the tables were small. `OFFSET 0` leaves it one
/// order, from each row to what belongs to it. Else it may have chosen to read a whole table for each batch of logins.
macro_rules! of_subject {
    ($row:literal, $name:literal) => {
        concat!(
            " CROSS JOIN LATERAL (SELECT * FROM account WHERE account.subject = ",
            $row,
            ".subject OFFSET 0) AS ",
            $name,
            " ",
        )
    };
}
pub(super) use of_subject;

/// Joins the identity that the digest of a unionid is registered for. For the form see [`of_subject`].
macro_rules! of_digest {
    ($row:literal, $name:literal) => {
        concat!(
            " CROSS JOIN LATERAL (SELECT account FROM union_identity WHERE union_identity.digest = ",
            $row,
            ".digest OFFSET 0) AS registered
              CROSS JOIN LATERAL (SELECT * FROM account WHERE account.id = registered.account OFFSET 0) AS ",
            $name,
            " ",
        )
    };
}
pub(super) use of_digest;

/// Reads a session from the first columns.
pub(super) fn session(row: &Row) -> Result<Session, Problem> {
    Ok(Session {
        digest: TokenDigest(bytes(row, 0)?),
        id: SessionId(bytes(row, 1)?),
        user: UserId(bytes(row, 2)?),
        app: AppId::new(value::<&str>(row, 3)?),
        created_at: time(row, 4)?,
        expires_at: time(row, 5)?,
        last_seen: time(row, 6)?,
        device: Device::new(value(row, 7)?),
        session_keys: Sealed(value(row, 8)?),
    })
}

/// Reads a user, beginning with the column `first`.
pub(super) fn user(row: &Row, first: usize) -> Result<User, Problem> {
    Ok(User {
        id: UserId(bytes(row, first)?),
        subject: Subject(bytes(row, first + 1)?),
        openid: Sealed(value(row, first + 2)?),
        unionid: value::<Option<Vec<u8>>>(row, first + 3)?.map(Sealed),
        created_at: time(row, first + 4)?,
        profile: Profile {
            nickname: value(row, first + 5)?,
            avatar_url: value(row, first + 6)?,
        },
        app: value::<Option<&str>>(row, first + 7)?.map(AppId::new),
        block: block(row, first + 8)?,
        phone_number: value::<Option<Vec<u8>>>(row, first + 10)?.map(Sealed),
    })
}

/// Reads a block: its time and its reason.
fn block(row: &Row, first: usize) -> Result<Option<Block>, Problem> {
    if value::<Option<i64>>(row, first)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Block {
        at: time(row, first)?,
        reason: value(row, first + 1)?,
    }))
}

/// Reads a value.
pub(super) fn value<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, Problem> {
    row.try_get(index)
        .map_err(|error| Problem::Malformed(error.to_string()))
}

/// Reads a value of fixed length.
pub(super) fn bytes<const N: usize>(row: &Row, index: usize) -> Result<[u8; N], Problem> {
    let bytes: &[u8] = value(row, index)?;
    let length = bytes.len();
    let wrong = move |_error| Problem::Malformed(format!("{length} bytes instead of {N}"));
    bytes.try_into().map_err(wrong)
}

/// Reads a time in milliseconds.
pub(super) fn time(row: &Row, index: usize) -> Result<Timestamp, Problem> {
    let time = Timestamp::from_millisecond(value(row, index)?);
    time.map_err(|error| Problem::Malformed(error.to_string()))
}

/// Reads the digests of sessions from the first column.
pub(super) fn digests(rows: &[Row]) -> Result<Vec<TokenDigest>, Problem> {
    rows.iter()
        .map(|row| bytes(row, 0).map(TokenDigest))
        .collect()
}
