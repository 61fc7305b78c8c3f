//! The transactions that merge two users, and undo that.

use jiff::Timestamp;

use crate::identity::UserId;
use crate::session::TokenDigest;
use crate::store::people::{Decision, Resolution};
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::people::LOCK_LINKS;
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::sessions::{revoke_for, revoke_where};

/// A conflict as it is stored.
pub(super) struct Conflict {
    pub(super) kept: UserId,
    pub(super) other: UserId,
    /// The row that its merge has joined to another one.
    pub(super) moved: Option<UserId>,
}

/// Locks all rows of the users of two identities. Like a login, it locks the users after their other identities, so that the
/// two do not wait for each other. Arrays make PostgreSQL use the indices.
pub(super) const LOCK_ROWS: &str = "
    SELECT 1 FROM account
    WHERE root_id = ANY (ARRAY(SELECT coalesce(root_id, id) FROM account WHERE id IN ($1, $2)))
       OR id = ANY (ARRAY(SELECT coalesce(root_id, id) FROM account WHERE id IN ($1, $2)))
    ORDER BY root_id IS NULL, id FOR UPDATE";

/// Stores the decision, unless the two are merged or one of them is blocked, with the user that stays first. `moved` is the user
/// that becomes an identity of the other one.
const DECIDE_MERGE: &str = "
    UPDATE user_conflict
    SET kept = $1, other = $2, decision = 'merged', decided_at = $3,
        moved = CASE WHEN owner.kept <> owner.other THEN owner.other END
    FROM (SELECT (SELECT coalesce(root_id, id) FROM account WHERE id = $1) AS kept,
                 (SELECT coalesce(root_id, id) FROM account WHERE id = $2) AS other) AS owner
    WHERE ((user_conflict.kept = $1 AND user_conflict.other = $2) OR (user_conflict.kept = $2 AND user_conflict.other = $1))
      AND user_conflict.decision IS DISTINCT FROM 'merged'
      AND NOT EXISTS (SELECT 1 FROM account WHERE id IN (owner.kept, owner.other) AND blocked_at IS NOT NULL)
    RETURNING true";

/// The statements of a merge find `moved` in the conflict. It is a user only until the merge is done, so they change nothing if
/// an earlier one has done it. `$3` is true if the event is wanted.
const MOVE_USER: &str = "
    WITH merged AS (
        UPDATE account SET parent_id = owner.id, root_id = owner.id
        FROM (SELECT user_conflict.moved, coalesce(kept.root_id, kept.id) AS id
              FROM user_conflict JOIN account AS kept ON kept.id = user_conflict.kept
              WHERE kept = $1 AND other = $2 AND decision = 'merged') AS owner
        WHERE account.id = owner.moved AND account.root_id IS NULL
        RETURNING account.id, account.app_id, account.root_id)
    INSERT INTO event (kind, account, app, other_user) SELECT 'user.merged', id, app_id, root_id FROM merged WHERE $3";

const MOVE_IDENTITIES: &str = "
    UPDATE account SET root_id = moved.root_id
    FROM user_conflict JOIN account AS moved ON moved.id = user_conflict.moved
    WHERE user_conflict.kept = $1 AND user_conflict.other = $2 AND user_conflict.decision = 'merged'
      AND account.root_id = moved.id";

/// Merges the two users of a conflict. Returns the digests of the ended sessions, or `None` if the conflict is not open.
pub(super) async fn merge(
    link: Limited<'_>,
    records_events: bool,
    resolution: &Resolution,
) -> Result<Option<Vec<TokenDigest>>, Problem> {
    let (kept, other) = (resolution.kept.0.as_slice(), resolution.other.0.as_slice());
    let now = resolution.now.as_millisecond();
    let pair: Params<'_> = &[&kept, &other];
    let statements: [(&str, Params<'_>); 6] = [
        (LOCK_LINKS, &[]),
        (LOCK_ROWS, pair),
        (DECIDE_MERGE, &[&kept, &other, &now]),
        (
            revoke_for!(
                records_events,
                "account = (SELECT moved FROM user_conflict WHERE kept = $1 AND other = $2 AND decision = 'merged')",
                "merged"
            ),
            pair,
        ),
        (MOVE_USER, &[&kept, &other, &records_events]),
        (MOVE_IDENTITIES, pair),
    ];
    let results = link.transaction("BEGIN", &statements).await?;
    match results.as_slice() {
        [_, _, decided, sessions, ..] if !decided.is_empty() => rows::digests(sessions).map(Some),
        _ => Ok(None),
    }
}

/// The rows that are joined to `$3`, directly or indirectly, and that row itself.
macro_rules! joined_rows {
    () => {
        "(WITH RECURSIVE joined (id) AS (
              SELECT $3::bytea UNION SELECT child.id FROM account AS child JOIN joined ON child.parent_id = joined.id)
          SELECT id FROM joined)"
    };
}

/// Completes a condition: a later merge joined one of the users that leave with `$3` and one that stays.
macro_rules! has_later_merge {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM user_conflict AS later
                     WHERE later.decision = 'merged' AND (later.kept, later.other) <> ($1, $2) AND (later.kept IN ",
            joined_rows!(),
            ") <> (later.other IN ",
            joined_rows!(),
            "))"
        )
    };
}

/// Completes a condition: the conflict is still merged by joining `$3`, its user is not blocked, and no later merge needs it.
macro_rules! is_merged {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM user_conflict
                     JOIN account AS kept ON kept.id = user_conflict.kept
                     JOIN account AS owner ON owner.id = coalesce(kept.root_id, kept.id)
                     WHERE user_conflict.kept = $1 AND user_conflict.other = $2 AND decision = 'merged'
                       AND moved IS NOT DISTINCT FROM $3 AND owner.blocked_at IS NULL)
             AND NOT ",
            has_later_merge!()
        )
    };
}

const SEPARATE_IDENTITIES: &str = concat!(
    "UPDATE account SET root_id = $3 WHERE id IN ",
    joined_rows!(),
    " AND ",
    is_merged!()
);

/// `$4` is true if the event is wanted.
const SEPARATE_USER: &str = concat!(
    "WITH separated AS (UPDATE account SET parent_id = NULL, root_id = NULL WHERE id = $3 AND ",
    is_merged!(),
    " RETURNING id, app_id)
    INSERT INTO event (kind, account, app, other_user)
    SELECT 'user.separated', separated.id, separated.app_id, coalesce(kept.root_id, kept.id)
    FROM separated JOIN account AS kept ON kept.id = $1 WHERE $4"
);

const DECIDE_SEPARATE: &str = concat!(
    "UPDATE user_conflict SET decision = $4, decided_at = $5, moved = NULL
     WHERE user_conflict.kept = $1 AND user_conflict.other = $2 AND ",
    is_merged!(),
    " RETURNING true"
);

/// Returns `true` if a later merge has to be undone first. Reads where it is written, as the conflict itself is read.
pub(super) async fn has_later_merge(
    link: Limited<'_>,
    conflict: &Conflict,
) -> Result<bool, Problem> {
    let moved = conflict.moved.as_ref().map(|moved| moved.0.as_slice());
    let params: Params<'_> = &[
        &conflict.kept.0.as_slice(),
        &conflict.other.0.as_slice(),
        &moved,
    ];
    let found = link
        .write(concat!("SELECT ", has_later_merge!()), params)
        .await?;
    found.first().map_or(Ok(false), |row| rows::value(row, 0))
}

/// Undoes the merge of a conflict. Returns the digests of the ended sessions, or `None` if the conflict was changed meanwhile.
pub(super) async fn separate(
    link: Limited<'_>,
    records_events: bool,
    conflict: &Conflict,
    decision: Option<Decision>,
    now: Timestamp,
) -> Result<Option<Vec<TokenDigest>>, Problem> {
    let (kept, other) = (conflict.kept.0.as_slice(), conflict.other.0.as_slice());
    let moved = conflict.moved.as_ref().map(|moved| moved.0.as_slice());
    let decided_at = decision.map(|_some| now.as_millisecond());
    let decision = decision.map(Decision::as_str);
    let params: Params<'_> = &[&kept, &other, &moved];
    let statements: [(&str, Params<'_>); 6] = [
        (LOCK_LINKS, &[]),
        (LOCK_ROWS, &[&kept, &other]),
        (
            revoke_for!(
                records_events,
                concat!(
                    "account = (SELECT root_id FROM account AS moved WHERE moved.id = $3)
                     AND coalesce(identity_id, account) IN ",
                    joined_rows!(),
                    " AND ",
                    is_merged!()
                ),
                "separated"
            ),
            params,
        ),
        (SEPARATE_IDENTITIES, params),
        (SEPARATE_USER, &[&kept, &other, &moved, &records_events]),
        (
            DECIDE_SEPARATE,
            &[&kept, &other, &moved, &decision, &decided_at],
        ),
    ];
    let results = link.transaction("BEGIN", &statements).await?;
    match results.as_slice() {
        [_, _, sessions, .., decided] if !decided.is_empty() => rows::digests(sessions).map(Some),
        _ => Ok(None),
    }
}
