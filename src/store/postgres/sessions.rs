//! The statements about sessions.

use crate::identity::{AppId, UserId};
use crate::session::{Session, SessionStatus, TokenDigest, User};
use crate::store::interface::{Revocation, Update};
use crate::store::postgres::link::Limited;
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::rows::{identity_columns, session_columns};

/// Joins the row of a user to a session. For the form see `of_subject`.
macro_rules! its {
    ($id:literal, $name:literal) => {
        concat!(
            "CROSS JOIN LATERAL (SELECT * FROM account WHERE account.id = ",
            $id,
            " OFFSET 0) AS ",
            $name,
            " ",
        )
    };
}

pub(super) async fn find(
    link: Limited<'_>,
    digest: TokenDigest,
) -> Result<Option<(Session, User)>, Problem> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        identity_columns!(),
        " FROM session ",
        its!("session.account", "account"),
        its!("coalesce(session.identity_id, session.account)", "identity"),
        " WHERE digest = $1",
    );
    let rows = link.read(sql, &[&digest.0.as_slice()]).await?;
    let found = rows
        .first()
        .map(|row| Ok((rows::session(row)?, rows::user(row, 9)?)));
    found.transpose()
}

pub(super) async fn status(
    link: Limited<'_>,
    digest: TokenDigest,
) -> Result<Option<SessionStatus>, Problem> {
    let sql = concat!(
        "SELECT account.id, account.created_at, app, session.created_at, expires_at, last_seen FROM session ",
        its!("session.account", "account"),
        " WHERE digest = $1",
    );
    let rows = link.read(sql, &[&digest.0.as_slice()]).await?;
    let status = rows.first().map(|row| {
        Ok(SessionStatus {
            user: UserId(rows::bytes(row, 0)?),
            user_created_at: rows::time(row, 1)?,
            app: AppId::new(rows::value::<&str>(row, 2)?),
            created_at: rows::time(row, 3)?,
            expires_at: rows::time(row, 4)?,
            last_seen: rows::time(row, 5)?,
        })
    });
    status.transpose()
}

pub(super) async fn of_user(link: Limited<'_>, user: UserId) -> Result<Vec<Session>, Problem> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        " FROM session WHERE account = $1 ORDER BY created_at DESC, place DESC",
    );
    let rows = link.read(sql, &[&user.0.as_slice()]).await?;
    rows.iter().map(rows::session).collect()
}

/// Counts exactly up to a million or so, and estimates beyond.
pub(super) async fn count(link: Limited<'_>) -> Result<u64, Problem> {
    let sql = "SELECT CASE WHEN reltuples > 1000000 THEN reltuples::bigint ELSE (SELECT count(*) FROM session) END
               FROM pg_class WHERE oid = 'session'::regclass";
    let rows = link.read(sql, &[]).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| rows::value(row, 0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Returns `false` if there is no such session.
pub(super) async fn update(
    link: Limited<'_>,
    digest: TokenDigest,
    update: &Update,
) -> Result<bool, Problem> {
    let digest = digest.0.as_slice();
    let rows = match update {
        Update::Used(at) => {
            let sql = "UPDATE session SET last_seen = greatest(last_seen, $2) WHERE digest = $1 RETURNING digest";
            link.write(sql, &[&digest, &at.as_millisecond()]).await?
        }
        Update::SessionKeys(keys) => {
            let sql = "UPDATE session SET session_keys = $2 WHERE digest = $1 RETURNING digest";
            link.write(sql, &[&digest, &keys.0]).await?
        }
    };
    Ok(!rows.is_empty())
}

/// Deletes what the condition selects, and adds it to the log of revocations, which the other nodes read.
///
/// The rows are locked in the order of their keys, so that revocations do not wait for each other. With a reason, an event is
/// stored for each session.
macro_rules! revoke_where {
    ($condition:expr) => {
        $crate::store::postgres::sessions::revoke_where!($condition; "")
    };
    ($condition:expr, $reason:literal) => {
        $crate::store::postgres::sessions::revoke_where!(
            $condition;
            ", recorded AS (INSERT INTO event (kind, account, app, session, reason)
                 SELECT 'session.revoked', account, app, id, '", $reason, "' FROM gone)"
        )
    };
    ($condition:expr; $($recorded:literal),+) => {
        concat!(
            "WITH gone AS (DELETE FROM session WHERE digest = ANY (ARRAY
                 (SELECT digest FROM session WHERE ",
            $condition,
            " ORDER BY digest FOR UPDATE)) RETURNING digest, id, account, app),
             logged AS (INSERT INTO revocation (digest) SELECT digest FROM gone)",
            $($recorded,)+
            " SELECT digest FROM gone",
        )
    };
}
pub(super) use revoke_where;

/// Selects the statement that stores events, if they are wanted.
macro_rules! revoke_for {
    ($records_events:expr, $condition:expr, $reason:literal) => {
        if $records_events {
            revoke_where!($condition, $reason)
        } else {
            revoke_where!($condition)
        }
    };
}
pub(super) use revoke_for;

/// Returns the digests of the sessions that were revoked.
pub(super) async fn revoke(
    link: Limited<'_>,
    records_events: bool,
    revocation: Revocation,
) -> Result<Vec<TokenDigest>, Problem> {
    let rows = match revocation {
        Revocation::Session(digest) => {
            let sql = revoke_for!(records_events, "digest = $1", "logout");
            link.write(sql, &[&digest.0.as_slice()]).await?
        }
        Revocation::Id(user, id) => {
            let sql = revoke_for!(records_events, "account = $1 AND id = $2", "revoked");
            link.write(sql, &[&user.0.as_slice(), &id.0.as_slice()])
                .await?
        }
        Revocation::OthersOf(user, digest) => {
            let sql = revoke_for!(records_events, "account = $1 AND digest <> $2", "revoked");
            link.write(sql, &[&user.0.as_slice(), &digest.0.as_slice()])
                .await?
        }
        Revocation::AllOf(user) => {
            let sql = revoke_for!(records_events, "account = $1", "revoked");
            link.write(sql, &[&user.0.as_slice()]).await?
        }
    };
    rows::digests(&rows)
}
