//! The statements of an operator: blocks, searches for users, and the numbers of users, sessions and logins.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use crate::identity::{AppId, UserId};
use crate::session::{Block, TokenDigest, User};
use crate::store::accounts::{
    LoginCount, NodeId, Statistics, UserKey, UserPage, UserPosition, UserQuery,
};
use crate::store::postgres::events::{USER_BLOCKED, if_wanted};
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::rows::user_columns;
use crate::store::postgres::sessions::{revoke_for, revoke_where};
use crate::time::minus;

/// Returns the digests of the ended sessions, or `None` if there is no such user.
///
/// The update locks the user, and the revocation is a statement of its own: its snapshot must contain the session of a login
/// that the update has waited for.
pub(super) async fn block(
    link: Limited<'_>,
    records_events: bool,
    user: UserId,
    block: &Block,
) -> Result<Option<Vec<TokenDigest>>, Problem> {
    let (id, at) = (user.0.as_slice(), block.at.as_millisecond());
    let statements: [(&str, Params<'_>); 3] = [
        (
            "UPDATE account SET blocked_at = $2, block_reason = $3 WHERE id = $1 AND root_id IS NULL RETURNING id",
            &[&id, &at, &block.reason],
        ),
        (
            revoke_for!(records_events, "account = $1", "blocked"),
            &[&id],
        ),
        (USER_BLOCKED, &[&id]),
    ];
    let statements = if_wanted(records_events, &statements);
    let results = link.transaction("BEGIN", statements).await?;
    match results.as_slice() {
        [users, sessions, ..] if !users.is_empty() => rows::digests(sessions).map(Some),
        _ => Ok(None),
    }
}

/// Returns `false` if there is no such user.
pub(super) async fn unblock(link: Limited<'_>, user: UserId) -> Result<bool, Problem> {
    let sql = "UPDATE account SET blocked_at = NULL, block_reason = NULL
               WHERE id = $1 AND root_id IS NULL RETURNING id";
    let found = link.write(sql, &[&user.0.as_slice()]).await?;
    Ok(!found.is_empty())
}

/// The users who have the identities of a condition.
macro_rules! users_of {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM account WHERE id IN (SELECT coalesce(root_id, id) FROM account AS identity WHERE ",
            $condition,
            ") ORDER BY created_at, id"
        )
    };
}

pub(super) async fn find(link: Limited<'_>, key: &UserKey) -> Result<Vec<User>, Problem> {
    let (sql, keys): (_, Vec<&[u8]>) = match key {
        UserKey::Id(id) => (users_of!("identity.id = ANY($1)"), vec![&id.0]),
        UserKey::Subjects(subjects) => (
            users_of!("identity.subject = ANY($1)"),
            subjects
                .iter()
                .map(|subject| subject.0.as_slice())
                .collect(),
        ),
        UserKey::PhoneNumber(digests) => (
            users_of!("identity.id IN (SELECT account FROM phone_number WHERE digest = ANY($1))"),
            digests.iter().map(|digest| digest.0.as_slice()).collect(),
        ),
        UserKey::Person(digests) => (
            users_of!("identity.id IN (SELECT account FROM union_identity WHERE digest = ANY($1))"),
            digests.iter().map(|digest| digest.0.as_slice()).collect(),
        ),
    };
    let found = link.read(sql, &[&keys]).await?;
    found.iter().map(|row| rows::user(row, 0)).collect()
}

/// The users of a window of the list, which begins after a position. A condition of its own lets PostgreSQL use the index of
/// the blocked users.
macro_rules! window {
    ($columns:expr, $condition:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM (SELECT * FROM account WHERE ",
            $condition,
            " AND root_id IS NULL AND (created_at, id) < ($1, $2) AND created_at >= $3
               ORDER BY created_at DESC, id DESC LIMIT $4) AS account"
        )
    };
}

/// The users of a window that match.
macro_rules! page {
    ($condition:literal) => {
        concat!(
            window!(user_columns!(), $condition),
            " WHERE ($5::text IS NULL OR app_id = $5
                     OR EXISTS (SELECT 1 FROM account AS identity WHERE identity.root_id = account.id AND identity.app_id = $5))
                AND ($6::text IS NULL OR strpos(nickname, $6) > 0)
              ORDER BY created_at DESC, id DESC LIMIT $7"
        )
    };
}

/// The last user of a window, if it is full.
macro_rules! end {
    ($condition:literal) => {
        concat!(
            window!("created_at, id", $condition),
            " ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $4 - 1"
        )
    };
}

pub(super) async fn list(link: Limited<'_>, query: &UserQuery) -> Result<UserPage, Problem> {
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
    let (id, window) = (id.as_slice(), i64::from(query.window));
    let since = query
        .created_since
        .map_or(i64::MIN, Timestamp::as_millisecond);
    let app = query.app.as_ref().map(AppId::as_str);
    let most = i64::from(query.limit) + 1;
    let params: Params<'_> = &[
        &created_at,
        &id,
        &since,
        &window,
        &app,
        &query.nickname,
        &most,
    ];
    let users = link.read(page, params).await?;
    let users = users.iter().map(|row| rows::user(row, 0));
    let users = users.collect::<Result<Vec<_>, _>>()?;
    let params: Params<'_> = &[&created_at, &id, &since, &window];
    let end = link.read(end, params).await?;
    let end = end.first().map(position).transpose()?;
    Ok(UserPage::of(users, query.limit, end))
}

fn position(row: &Row) -> Result<UserPosition, Problem> {
    Ok(UserPosition {
        created_at: rows::time(row, 0)?,
        id: UserId(rows::bytes(row, 1)?),
    })
}

/// Counts exactly up to a million or so, and estimates beyond.
pub(super) async fn statistics(
    link: Limited<'_>,
    now: Timestamp,
    idle: SignedDuration,
    since: Date,
) -> Result<Statistics, Problem> {
    let unused = minus(now, idle);
    let (now, unused) = (now.as_millisecond(), unused.as_millisecond());
    let users = "SELECT CASE WHEN reltuples > 1000000 THEN reltuples::bigint ELSE (SELECT count(*) FROM account) END
                     - (SELECT count(*) FROM account WHERE root_id IS NOT NULL)
                 FROM pg_class WHERE oid = 'account'::regclass";
    let blocked = "SELECT count(*) FROM account WHERE blocked_at IS NOT NULL";
    let sessions = "SELECT CASE WHEN reltuples > 1000000 THEN reltuples::bigint
                                ELSE (SELECT count(*) FROM session WHERE expires_at > $1 AND last_seen > $2) END
                    FROM pg_class WHERE oid = 'session'::regclass";
    let logins = "SELECT day, app, sum(logins)::bigint FROM login_count WHERE day >= $1 GROUP BY day, app ORDER BY day, app";
    let logins = link.read(logins, &[&since.to_string()]).await?;
    Ok(Statistics {
        users: number(link, users, &[]).await?,
        blocked_users: number(link, blocked, &[]).await?,
        sessions: number(link, sessions, &[&now, &unused]).await?,
        logins: logins.iter().map(login_count).collect::<Result<_, _>>()?,
    })
}

async fn number(link: Limited<'_>, sql: &'static str, params: Params<'_>) -> Result<u64, Problem> {
    let rows = link.read(sql, params).await?;
    let number: i64 = rows.first().map_or(Ok(0), |row| rows::value(row, 0))?;
    Ok(number.unsigned_abs())
}

fn login_count(row: &Row) -> Result<LoginCount, Problem> {
    let day: jiff::civil::Date = rows::value::<&str>(row, 0)?
        .parse()
        .map_err(|error: jiff::Error| Problem::Malformed(error.to_string()))?;
    let logins: i64 = rows::value(row, 2)?;
    Ok(LoginCount {
        day,
        app: AppId::new(rows::value::<&str>(row, 1)?),
        logins: logins.unsigned_abs(),
    })
}

pub(super) async fn count_logins(
    link: Limited<'_>,
    node: NodeId,
    counts: &[LoginCount],
    keep_since: Date,
) -> Result<(), Problem> {
    let days: Vec<_> = counts.iter().map(|count| count.day.to_string()).collect();
    let apps: Vec<_> = counts.iter().map(|count| count.app.as_str()).collect();
    let logins: Vec<_> = counts
        .iter()
        .map(|count| i64::try_from(count.logins).unwrap_or(i64::MAX))
        .collect();
    let statements: [(&str, Params<'_>); 2] = [
        (
            "INSERT INTO login_count (day, app, node, logins)
             SELECT day, app, $1, logins FROM unnest($2::text[], $3::text[], $4::bigint[]) AS counted (day, app, logins)
             ON CONFLICT (day, app, node) DO UPDATE SET logins = greatest(login_count.logins, excluded.logins)",
            &[&node.0.as_slice(), &days, &apps, &logins],
        ),
        (
            "DELETE FROM login_count WHERE (day, app, node) IN
                 (SELECT day, app, node FROM login_count WHERE day < $1 FOR UPDATE SKIP LOCKED)",
            &[&keep_since.to_string()],
        ),
    ];
    link.transaction("BEGIN", &statements).await.map(drop)
}
