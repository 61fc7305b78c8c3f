//! The statements about users.

use jiff::Timestamp;

use crate::identity::UserId;
use crate::session::{Change, ProfileChange, TokenDigest, User};
use crate::store::postgres::events::DELETE_ACCOUNT;
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::rows::user_columns;
use crate::store::postgres::sessions::{revoke_for, revoke_where};

pub(super) async fn change_profile(
    link: Limited<'_>,
    user: UserId,
    change: &ProfileChange,
) -> Result<Option<User>, Problem> {
    let sql = concat!(
        "UPDATE account SET nickname = CASE WHEN $2 THEN $3 ELSE nickname END,
                            avatar_url = CASE WHEN $4 THEN $5 ELSE avatar_url END
         WHERE id = $1 AND root_id IS NULL RETURNING ",
        user_columns!(),
    );
    let (sets_nickname, nickname) = assignment(&change.nickname);
    let (sets_avatar_url, avatar_url) = assignment(&change.avatar_url);
    let user = user.0.as_slice();
    let params: Params<'_> = &[
        &user,
        &sets_nickname,
        &nickname,
        &sets_avatar_url,
        &avatar_url,
    ];
    let changed = link.write(sql, params).await?;
    changed.first().map(|row| rows::user(row, 0)).transpose()
}

/// Returns the ids of the user's identities and the digests of their sessions.
///
/// A login that links an identity to the user at the same time finds its user gone, and is rolled back.
///
/// The locks on the user and the identities come first: otherwise a session of a concurrent login would be deleted without being logged.
pub(super) async fn delete(
    link: Limited<'_>,
    records_events: bool,
    user: UserId,
) -> Result<(Vec<UserId>, Vec<TokenDigest>), Problem> {
    let id = user.0.as_slice();
    let delete = if records_events {
        DELETE_ACCOUNT
    } else {
        "DELETE FROM account WHERE id = $1 AND root_id IS NULL RETURNING id"
    };
    let statements: [(&str, Params<'_>); 4] = [
        (
            "SELECT 1 FROM account WHERE id = $1 OR root_id = $1 ORDER BY root_id IS NULL, id FOR UPDATE",
            &[&id],
        ),
        (
            revoke_for!(records_events, "account = $1", "deleted"),
            &[&id],
        ),
        (delete, &[&id]),
        (
            "DELETE FROM account WHERE root_id = $1 RETURNING id",
            &[&id],
        ),
    ];
    let results = link.transaction("BEGIN", &statements).await?;
    match results.as_slice() {
        [_rows, sessions, users, identities] => {
            let deleted = users.iter().chain(identities);
            let deleted = deleted.map(|row| rows::bytes(row, 0).map(UserId));
            Ok((deleted.collect::<Result<_, _>>()?, rows::digests(sessions)?))
        }
        _ => Ok((Vec::new(), Vec::new())),
    }
}

/// Writes what a login of a new user writes, and removes it.
pub(super) async fn probe(link: Limited<'_>, now: Timestamp) -> Result<(), Problem> {
    let mut random = [0; 48];
    getrandom::fill(&mut random).map_err(|error| Problem::Unusable(error.to_string()))?;
    let (id, subject) = random.split_at(16);
    let now = now.as_millisecond();
    let statements: [(&str, Params<'_>); 3] = [
        (
            "INSERT INTO account (id, subject, openid, created_at) VALUES ($1, $2, $2, $3)",
            &[&id, &subject, &now],
        ),
        (
            "INSERT INTO session (digest, id, account, app, created_at, expires_at, last_seen, device, session_keys)
             VALUES ($2, $1, $1, 'probe', $3, $3, $3, '', $2)",
            &[&id, &subject, &now],
        ),
        // Deletes the session as well.
        ("DELETE FROM account WHERE id = $1", &[&id]),
    ];
    link.transaction("BEGIN", &statements).await.map(drop)
}

/// Returns `true` if a column is to be written, and its new value.
fn assignment(change: &Change) -> (bool, Option<&str>) {
    match change {
        Change::Keep => (false, None),
        Change::Clear => (true, None),
        Change::Set(text) => (true, Some(text)),
    }
}
