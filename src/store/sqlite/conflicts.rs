//! The statements about conflicts between users, and about merges.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use crate::identity::UserId;
use crate::store::events::EndReason;
use crate::store::interface::Revocation;
use crate::store::people::{
    ConflictPage, ConflictQuery, Decision, Resolution, Resolved, UserConflict,
};
use crate::store::sqlite::events::{Changed, user_changed};
use crate::store::sqlite::rows::time_at;
use crate::store::sqlite::sessions::{end, end_where, revoke_because};

pub(super) fn list(
    connection: &Connection,
    query: &ConflictQuery,
) -> rusqlite::Result<ConflictPage> {
    let (found_at, kept, other) = match query.after {
        Some(position) => (
            position.found_at.as_millisecond(),
            position.kept.0,
            position.other.0,
        ),
        None => (i64::MAX, [u8::MAX; 16], [u8::MAX; 16]),
    };
    let conflicts = connection
        .prepare_cached(
            "WITH owner AS (SELECT coalesce(root_id, id) AS id FROM user WHERE id = :user),
                  wanted AS (SELECT id FROM owner UNION ALL SELECT user.id FROM owner JOIN user ON user.root_id = owner.id)
             SELECT kept, other, found_at, decision, decided_at FROM user_conflict
             WHERE (found_at, kept, other) < (:found_at, :kept, :other) AND (NOT :only_open OR decision IS NULL)
               AND (:user IS NULL OR kept IN (SELECT id FROM wanted) OR other IN (SELECT id FROM wanted))
             ORDER BY found_at DESC, kept DESC, other DESC LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":user": query.user.map(|user| user.0),
                ":found_at": found_at,
                ":kept": kept,
                ":other": other,
                ":only_open": query.only_open,
                ":limit": u16::from(query.limit) + 1,
            },
            conflict_at,
        )?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ConflictPage::of(conflicts, query.limit))
}

fn conflict_at(row: &Row<'_>) -> rusqlite::Result<UserConflict> {
    let decided_at: Option<i64> = row.get(4)?;
    Ok(UserConflict {
        kept: UserId(row.get(0)?),
        other: UserId(row.get(1)?),
        found_at: time_at(row, 2)?,
        decision: decision_at(row, 3)?,
        decided_at: decided_at.map(|_some| time_at(row, 4)).transpose()?,
    })
}

fn decision_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Decision>> {
    let text: Option<String> = row.get(index)?;
    Ok(text.as_deref().and_then(Decision::parse))
}

/// A stored conflict.
struct Stored {
    kept: UserId,
    other: UserId,
    decision: Option<Decision>,
    /// The row that the merge has joined to another one.
    moved: Option<UserId>,
}

pub(super) fn resolve(
    connection: &Connection,
    changed: &mut Changed,
    resolution: &Resolution,
) -> rusqlite::Result<Resolved> {
    let Some(stored) = stored(connection, resolution)? else {
        return Ok(Resolved::NotFound);
    };
    let is_merge = resolution.decision == Some(Decision::Merged);
    let was_merge = stored.decision == Some(Decision::Merged);
    if resolution.decision == stored.decision && !(is_merge && stored.kept != resolution.kept) {
        return Ok(Resolved::Done { ended: 0 });
    }
    if (is_merge || was_merge) && is_blocked(connection, &stored)? {
        return Ok(Resolved::Blocked);
    }
    let mut ended = 0;
    if let Some(moved) = stored.moved {
        if has_later_merge(connection, &stored, moved)? {
            return Ok(Resolved::HasLaterMerge);
        }
        ended += separate(connection, changed, moved)?;
    }
    let mut moved = None;
    if is_merge {
        let kept = user_of(connection, resolution.kept)?;
        let other = user_of(connection, resolution.other)?;
        if kept != other {
            ended += merge(connection, changed, kept, other)?;
            moved = Some(other);
        }
    }
    store(connection, &stored, resolution, moved)?;
    Ok(Resolved::Done { ended })
}

fn stored(connection: &Connection, resolution: &Resolution) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached(
            "SELECT kept, other, decision, moved FROM user_conflict
             WHERE (kept = ?1 AND other = ?2) OR (kept = ?2 AND other = ?1)",
        )?
        .query_row(params![resolution.kept.0, resolution.other.0], |row| {
            Ok(Stored {
                kept: UserId(row.get(0)?),
                other: UserId(row.get(1)?),
                decision: decision_at(row, 2)?,
                moved: row.get::<_, Option<_>>(3)?.map(UserId),
            })
        })
        .optional()
}

/// Stores the decision. A merge puts the user that stays first.
fn store(
    connection: &Connection,
    stored: &Stored,
    resolution: &Resolution,
    moved: Option<UserId>,
) -> rusqlite::Result<()> {
    let (kept, other) = match resolution.decision {
        Some(Decision::Merged) => (resolution.kept, resolution.other),
        Some(Decision::Apart) | None => (stored.kept, stored.other),
    };
    let decided_at = resolution.decision.map(|_some| resolution.now);
    connection
        .prepare_cached(
            "UPDATE user_conflict SET kept = :kept, other = :other, decision = :decision, decided_at = :decided_at,
                                      moved = :moved
             WHERE kept = :stored_kept AND other = :stored_other",
        )?
        .execute(named_params! {
            ":kept": kept.0,
            ":other": other.0,
            ":decision": resolution.decision.map(Decision::as_str),
            ":decided_at": decided_at.map(Timestamp::as_millisecond),
            ":moved": moved.map(|moved| moved.0),
            ":stored_kept": stored.kept.0,
            ":stored_other": stored.other.0,
        })
        .map(drop)
}

/// Returns the user that a row is an identity of.
fn user_of(connection: &Connection, id: UserId) -> rusqlite::Result<UserId> {
    connection
        .prepare_cached("SELECT coalesce(root_id, id) FROM user WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0).map(UserId))
}

/// Returns `true` if one of the two users is blocked.
fn is_blocked(connection: &Connection, conflict: &Stored) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1 FROM user AS identity JOIN user ON user.id = coalesce(identity.root_id, identity.id)
                 WHERE identity.id IN (?1, ?2) AND user.blocked_at IS NOT NULL)",
        )?
        .query_row(params![conflict.kept.0, conflict.other.0], |row| row.get(0))
}

/// The rows that are joined to a row, directly or indirectly, and the row itself.
macro_rules! joined_to {
    () => {
        "WITH RECURSIVE joined (id) AS (
             SELECT ?1 UNION SELECT child.id FROM user AS child JOIN joined ON child.parent_id = joined.id)
         SELECT id FROM joined"
    };
}

/// Returns `true` if a later merge joined one of the users that leave with `moved` and one that stays.
fn has_later_merge(
    connection: &Connection,
    conflict: &Stored,
    moved: UserId,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(concat!(
            "SELECT EXISTS (
                 SELECT 1 FROM user_conflict
                 WHERE decision = 'merged' AND (kept, other) <> (?2, ?3) AND (kept IN (",
            joined_to!(),
            ")) <> (other IN (",
            joined_to!(),
            ")))"
        ))?
        .query_row(params![moved.0, conflict.kept.0, conflict.other.0], |row| {
            row.get(0)
        })
}

/// Makes a user, with all identities, identities of another user. Returns the number of ended sessions.
fn merge(
    connection: &Connection,
    changed: &mut Changed,
    kept: UserId,
    other: UserId,
) -> rusqlite::Result<usize> {
    let sessions = Revocation::AllOf(other);
    let ended = revoke_because(connection, changed, EndReason::Merged, sessions)?;
    connection
        .prepare_cached("UPDATE user SET parent_id = ?1 WHERE id = ?2")?
        .execute(params![kept.0, other.0])?;
    connection
        .prepare_cached("UPDATE user SET root_id = ?1 WHERE id = ?2 OR root_id = ?2")?
        .execute(params![kept.0, other.0])?;
    if changed.records_events {
        user_changed(connection, "user.merged", other, Some(kept))?;
    }
    Ok(ended)
}

/// Undoes the merge that has joined a row to another one. Returns the number of ended sessions.
fn separate(
    connection: &Connection,
    changed: &mut Changed,
    moved: UserId,
) -> rusqlite::Result<usize> {
    let user = user_of(connection, moved)?;
    let ended = end(
        connection,
        changed,
        EndReason::Separated,
        end_where!(
            "user = ?2 AND coalesce(identity_id, user) IN (",
            joined_to!(),
            ")"
        ),
        params![moved.0, user.0],
    )?;
    connection
        .prepare_cached(concat!(
            "UPDATE user SET root_id = ?1 WHERE id IN (",
            joined_to!(),
            ")"
        ))?
        .execute([moved.0])?;
    connection
        .prepare_cached("UPDATE user SET parent_id = NULL, root_id = NULL WHERE id = ?1")?
        .execute([moved.0])?;
    if changed.records_events {
        user_changed(connection, "user.separated", moved, Some(user))?;
    }
    Ok(ended)
}
