//! The transaction of logins. Any number of logins of different users share one.

use std::collections::HashMap;

use tokio_postgres::Row;

use crate::session::TokenDigest;
use crate::store::interface::{LoggedIn, Login};
use crate::store::postgres::events::{USERS_CREATED, if_wanted};
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::login_columns::Columns;
use crate::store::postgres::people::{LOCK_PEOPLE, RECORD_CONFLICTS, REGISTER};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::rows::{identity_columns, of_digest, of_subject, user_columns};

/// The logins, as rows to insert.
macro_rules! logins {
    () => {
        "unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::text[])
             AS login (id, subject, openid, unionid, now, app)"
    };
}

/// Completes the insertion of identities. An identity whose user is gone, deleted by a version that deletes no identities,
/// becomes a user.
macro_rules! on_known_subject {
    () => {
        " ORDER BY subject
         ON CONFLICT (subject) DO UPDATE
         SET openid = excluded.openid, unionid = coalesce(excluded.unionid, account.unionid), app_id = excluded.app_id,
             root_id = (SELECT id FROM account AS owner WHERE owner.id = account.root_id)
         RETURNING "
    };
}

/// Finds or creates the identities, in the order of their subjects, so that batches of two nodes do not wait for each other. The
/// lock on a row makes the logins of one identity, and a block, wait for each other.
const USERS: &str = concat!(
    "INSERT INTO account (id, subject, openid, unionid, created_at, app_id) SELECT * FROM ",
    logins!(),
    on_known_subject!(),
    user_columns!(),
);

/// The same. A new identity is linked to the one that has its unionid.
const LINKED_USERS: &str = concat!(
    "WITH known AS (
         SELECT DISTINCT ON (subject) person.subject, owner.id AS parent_id, coalesce(owner.root_id, owner.id) AS root_id
         FROM unnest($7::bytea[], $8::bytea[]) WITH ORDINALITY AS person (subject, digest, place)",
    of_digest!("person", "owner"),
    "ORDER BY subject, place)
     INSERT INTO account (id, subject, openid, unionid, created_at, app_id, parent_id, root_id)
     SELECT login.*, known.parent_id, known.root_id FROM ",
    logins!(),
    " LEFT JOIN known USING (subject)",
    on_known_subject!(),
    user_columns!(),
);

/// Reads the users of the identities that are no users themselves, and locks them: a block, too, waits for the logins of all
/// identities. A user's own row is locked already.
const OWNERS: &str = concat!(
    "WITH identity AS MATERIALIZED (SELECT identity.* FROM unnest($1::bytea[]) AS login (subject)",
    of_subject!("login", "identity"),
    "WHERE root_id IS NOT NULL)
     SELECT ",
    identity_columns!(),
    " FROM identity JOIN account ON account.id = identity.root_id
     WHERE account.id = ANY (ARRAY (SELECT root_id FROM identity))
     ORDER BY account.id FOR NO KEY UPDATE OF account"
);

/// Adds the sessions, except for blocked users.
const SESSIONS: &str = concat!(
    "INSERT INTO session
        (digest, id, account, identity_id, app, created_at, expires_at, last_seen, device, session_keys)
    SELECT login.digest, login.id, coalesce(account.root_id, account.id),
           CASE WHEN account.root_id IS NOT NULL THEN account.id END,
           login.app, login.now, login.expires_at, login.now, login.device, login.session_keys
    FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bytea[])
         AS login (subject, digest, id, app, now, expires_at, device, session_keys)",
    of_subject!("login", "account"),
    "WHERE account.blocked_at IS NULL
      AND (SELECT owner.blocked_at FROM account AS owner WHERE owner.id = account.root_id) IS NULL"
);

/// Deletes the sessions that are replaced and the oldest ones over the limit, and adds them to the log of revocations. The
/// sessions of the logins count as the latest ones. Several identities of a user may log in at once.
macro_rules! end_sessions {
    ($($recorded:literal)?) => {
        concat!(
            "WITH ended AS (SELECT digest, is_replaced FROM (
                 SELECT session.digest, login.others, coalesce(session.digest = ANY (login.replaced), false) AS is_replaced,
                        row_number() OVER (
                            PARTITION BY session.account, coalesce(session.digest = ANY (login.replaced), false)
                            ORDER BY session.digest = ANY (login.digests) DESC, session.created_at DESC, session.place DESC) AS rank
                 FROM (SELECT coalesce(root_id, account.id) AS owner, max(others) AS others, array_agg(digest) AS digests,
                              array_agg(replaces) AS replaced
                       FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[])
                           AS login (subject, digest, others, replaces)",
            of_subject!("login", "account"),
                      "GROUP BY 1) AS login
                 CROSS JOIN LATERAL (SELECT * FROM session WHERE session.account = login.owner OFFSET 0) AS session) AS ranked
             WHERE is_replaced OR rank > others + 1),
             gone AS (DELETE FROM session WHERE digest = ANY (ARRAY (SELECT digest FROM ended))
                 RETURNING digest, id, account, app),
             logged AS (INSERT INTO revocation (digest) SELECT digest FROM gone)",
            $($recorded,)?
            " SELECT digest FROM gone",
        )
    };
}

/// Ends these sessions. A statement of its own: its snapshot must contain the sessions of the login that the first statement has
/// waited for.
const REPLACED: &str = end_sessions!();

/// The same, and stores an event for each.
const REPLACED_WITH_EVENTS: &str = end_sessions!(
    ", recorded AS (INSERT INTO event (kind, account, app, session, reason)
         SELECT 'session.revoked', account, app, id, CASE WHEN is_replaced THEN 'replaced' ELSE 'limit' END
         FROM gone JOIN ended USING (digest))"
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

/// Stores logins of different people in one transaction. Returns the result of each, and the sessions that were ended.
pub(super) async fn commit(
    link: Limited<'_>,
    records_events: bool,
    logins: &[&Login],
) -> Result<(Vec<LoggedIn>, Vec<TokenDigest>), Problem> {
    let columns = Columns::of(logins);
    let (found, linked) = (columns.users(), columns.linked_users());
    let (owners, sessions) = (columns.owners(), columns.sessions());
    let (ended, created) = (columns.ended(), columns.created());
    let (registered, conflicts) = (columns.registered(), columns.conflicts());
    let replaced = replaced_statement(records_events);
    let with_people: [(_, Params<'_>); 8] = [
        (LOCK_PEOPLE, &[&columns.people.locks]),
        (LINKED_USERS, &linked),
        (OWNERS, &owners),
        (SESSIONS, &sessions),
        (replaced, &ended),
        (REGISTER, &registered),
        (RECORD_CONFLICTS, &conflicts),
        (USERS_CREATED, &created),
    ];
    let without_people: [(_, Params<'_>); 5] = [
        (USERS, &found),
        (OWNERS, &owners),
        (SESSIONS, &sessions),
        (replaced, &ended),
        (USERS_CREATED, &created),
    ];
    let (statements, locks): (&[_], _) = if columns.people.is_empty() {
        (&without_people, 0)
    } else {
        (&with_people, 1)
    };
    let is_one = logins.len() == 1;
    let begin = if is_one { BEGIN_ONE } else { BEGIN_BATCH };
    let statements = if_wanted(records_events, statements);
    let results = link.transaction(begin, statements).await?;
    match results.get(locks..) {
        Some([users, owners, _sessions, ended, ..]) => {
            Ok((assign(logins, users, owners)?, rows::digests(ended)?))
        }
        _ => Err(Problem::Malformed("the number of results".to_owned())),
    }
}

/// Returns the result of each login, whose users came in any order. An identity that has an owner is no user itself.
fn assign(logins: &[&Login], users: &[Row], owners: &[Row]) -> Result<Vec<LoggedIn>, Problem> {
    let users = users.iter().chain(owners).map(|row| rows::user(row, 0));
    let users = users.collect::<Result<Vec<_>, _>>()?;
    let mut users: HashMap<_, _> = users
        .into_iter()
        .map(|user| (user.subject.0, user))
        .collect();
    let logged_in = logins.iter().map(|login| {
        let user = users.remove(&login.subject.0);
        let user = user.ok_or_else(|| Problem::Malformed("a user is missing".to_owned()))?;
        Ok(LoggedIn {
            is_new: user.id == login.user_if_new,
            user,
        })
    });
    logged_in.collect()
}
