//! The transaction of logins. Any number of logins of different users share one.

use std::collections::HashMap;
use std::time::Duration;

use tokio_postgres::Row;

use crate::session::{TokenDigest, User};
use crate::store::interface::{LoggedIn, Login};
use crate::store::postgres::events::{USERS_CREATED, if_wanted};
use crate::store::postgres::link::{Link, Params};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::rows::user_columns;

/// Finds or creates the users, in the order of their subjects, so that batches of two nodes do not wait for each other. The
/// lock on a user's row makes the logins of one user, and a block, wait for each other.
const USERS: &str = concat!(
    "INSERT INTO account (id, subject, openid, unionid, created_at, app_id)
     SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::text[])
         AS login (id, subject, openid, unionid, now, app) ORDER BY subject
     ON CONFLICT (subject) DO UPDATE
     SET openid = excluded.openid, unionid = coalesce(excluded.unionid, account.unionid), app_id = excluded.app_id
     RETURNING ",
    user_columns!(),
);

/// Adds the sessions, except for blocked users.
const SESSIONS: &str = "
    INSERT INTO session (digest, id, account, app, created_at, expires_at, last_seen, device, session_keys)
    SELECT login.digest, login.id, account.id, login.app, login.now, login.expires_at, login.now, login.device,
           login.session_keys
    FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bytea[])
         AS login (subject, digest, id, app, now, expires_at, device, session_keys)
    JOIN account USING (subject)
    WHERE account.blocked_at IS NULL";

/// The sessions that are replaced, and the oldest ones over the limit.
macro_rules! ended_sessions {
    () => {
        "SELECT digest, is_replaced FROM (
             SELECT session.digest, login.others, session.digest IS NOT DISTINCT FROM login.replaces AS is_replaced,
                    row_number() OVER (
                        PARTITION BY session.account, session.digest IS NOT DISTINCT FROM login.replaces
                        ORDER BY session.created_at DESC, session.place DESC) AS rank
             FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[])
                 AS login (subject, digest, others, replaces)
             JOIN account USING (subject)
             JOIN session ON session.account = account.id AND session.digest <> login.digest) AS ranked
         WHERE is_replaced OR rank > others"
    };
}

/// Ends these sessions. A statement of its own: its snapshot must contain the sessions of the login that the first statement has
/// waited for.
const REPLACED: &str = concat!(
    "WITH gone AS (DELETE FROM session WHERE digest IN (SELECT digest FROM (",
    ended_sessions!(),
    ") AS ended) RETURNING digest),
         logged AS (INSERT INTO revocation (digest) SELECT digest FROM gone)
    SELECT digest FROM gone"
);

/// The same, and stores an event for each.
const REPLACED_WITH_EVENTS: &str = concat!(
    "WITH gone AS (DELETE FROM session USING (",
    ended_sessions!(),
    ") AS ended WHERE session.digest = ended.digest
             RETURNING session.digest, session.id, session.account, session.app, is_replaced),
         logged AS (INSERT INTO revocation (digest) SELECT digest FROM gone),
         recorded AS (INSERT INTO event (kind, account, app, session, reason)
             SELECT 'session.revoked', account, app, id, CASE WHEN is_replaced THEN 'replaced' ELSE 'limit' END FROM gone)
    SELECT digest FROM gone"
);

const fn replaced_statement(records_events: bool) -> &'static str {
    if records_events {
        REPLACED_WITH_EVENTS
    } else {
        REPLACED
    }
}

/// A single login waits for another one of the same user as long as every statement waits for a lock. A batch does not wait
/// long, because others would wait with it.
const BEGIN_ONE: &str = "BEGIN";
const BEGIN_BATCH: &str = "BEGIN; SET LOCAL lock_timeout = '200ms'";

/// Stores logins of different users in one transaction. Returns the result of each, and the sessions that were ended.
pub(super) async fn commit(
    link: &Link,
    limit: Duration,
    records_events: bool,
    logins: &[&Login],
) -> Result<(Vec<LoggedIn>, Vec<TokenDigest>), Problem> {
    let logins = Columns(logins);
    let users = logins.of(|login| login.user_if_new.0.as_slice());
    let subjects = logins.of(|login| login.subject.0.as_slice());
    let openids = logins.of(|login| login.openid.0.as_slice());
    let unionids = logins.of(|login| login.unionid.as_ref().map(|unionid| unionid.0.as_slice()));
    let now = logins.of(|login| login.now.as_millisecond());
    let expires_at = logins.of(|login| login.expires_at.as_millisecond());
    let digests = logins.of(|login| login.digest.0.as_slice());
    let ids = logins.of(|login| login.id.0.as_slice());
    let keys = logins.of(|login| login.session_keys.0.as_slice());
    let apps = logins.of(|login| login.app.as_str());
    let devices = logins.of(|login| login.device.as_str());
    let replaced = logins.of(|login| login.replaces.as_ref().map(|digest| digest.0.as_slice()));
    let others = logins.of(|login| i64::from(login.sessions_per_user.saturating_sub(1)));
    let ended = replaced_statement(records_events);
    let statements: [(&str, Params<'_>); 4] = [
        (
            USERS,
            &[&users, &subjects, &openids, &unionids, &now, &apps],
        ),
        (
            SESSIONS,
            &[
                &subjects,
                &digests,
                &ids,
                &apps,
                &now,
                &expires_at,
                &devices,
                &keys,
            ],
        ),
        (ended, &[&subjects, &digests, &others, &replaced]),
        (USERS_CREATED, &[&users, &apps]),
    ];
    let begin = if logins.0.len() == 1 {
        BEGIN_ONE
    } else {
        BEGIN_BATCH
    };
    let results = link
        .transaction(limit, begin, if_wanted(records_events, &statements))
        .await?;
    match results.as_slice() {
        [users, _sessions, ended, ..] => Ok((assign(logins.0, users)?, rows::digests(ended)?)),
        _ => Err(Problem::Malformed("the number of results".to_owned())),
    }
}

/// Logins as arrays of their fields, which are the parameters.
struct Columns<'a>(&'a [&'a Login]);

impl<'a> Columns<'a> {
    fn of<T>(&self, field: impl Fn(&'a Login) -> T) -> Vec<T> {
        self.0.iter().map(|login| field(login)).collect()
    }
}

/// Returns the result of each login, whose users came in any order.
fn assign(logins: &[&Login], users: &[Row]) -> Result<Vec<LoggedIn>, Problem> {
    let users = users.iter().map(|row| rows::user(row, 0));
    let users = users.collect::<Result<Vec<_>, _>>()?;
    let mut users: HashMap<_, _> = users
        .into_iter()
        .map(|user| (user.subject.0, user))
        .collect();
    let logged_in = logins.iter().map(|login| {
        let user = users.remove(&login.subject.0);
        let user = user.ok_or_else(|| Problem::Malformed("a user is missing".to_owned()))?;
        Ok(logged_in(login, user))
    });
    logged_in.collect()
}

fn logged_in(login: &Login, user: User) -> LoggedIn {
    LoggedIn {
        is_new: user.id == login.user_if_new,
        user,
    }
}
