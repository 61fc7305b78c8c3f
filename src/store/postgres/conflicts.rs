//! The statements about conflicts between users.

use tokio_postgres::Row;

use crate::identity::UserId;
use crate::session::TokenDigest;
use crate::store::people::{
    ConflictPage, ConflictQuery, Decision, Resolution, Resolved, UserConflict,
};
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::merges::{Conflict, has_later_merge, merge, separate};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;

/// Maximum number of times that a decision is compared with what is stored, because another operator decides at the same
/// time. Our choice.
const ATTEMPTS: u32 = 10;

pub(super) async fn list(
    link: Limited<'_>,
    query: &ConflictQuery,
) -> Result<ConflictPage, Problem> {
    let sql = "WITH owner AS (SELECT coalesce(root_id, id) AS id FROM account WHERE id = $1),
              wanted AS (SELECT id FROM owner UNION ALL SELECT account.id FROM owner JOIN account ON account.root_id = owner.id)
         SELECT kept, other, found_at, decision, decided_at FROM user_conflict
         WHERE (found_at, kept, other) < ($2, $3, $4) AND (NOT $5 OR decision IS NULL)
           AND ($1 IS NULL OR kept IN (SELECT id FROM wanted) OR other IN (SELECT id FROM wanted))
         ORDER BY found_at DESC, kept DESC, other DESC LIMIT $6";
    let (found_at, kept, other) = match query.after {
        Some(position) => (
            position.found_at.as_millisecond(),
            position.kept.0,
            position.other.0,
        ),
        None => (i64::MAX, [u8::MAX; 16], [u8::MAX; 16]),
    };
    let user = query.user.as_ref().map(|user| user.0.as_slice());
    let params: Params<'_> = &[
        &user,
        &found_at,
        &kept.as_slice(),
        &other.as_slice(),
        &query.only_open,
        &(i64::from(query.limit) + 1),
    ];
    let found = link.read(sql, params).await?;
    let conflicts = found.iter().map(conflict).collect::<Result<_, _>>()?;
    Ok(ConflictPage::of(conflicts, query.limit))
}

fn conflict(row: &Row) -> Result<UserConflict, Problem> {
    let decided_at: Option<i64> = rows::value(row, 4)?;
    Ok(UserConflict {
        kept: UserId(rows::bytes(row, 0)?),
        other: UserId(rows::bytes(row, 1)?),
        found_at: rows::time(row, 2)?,
        decision: decision(row, 3)?,
        decided_at: decided_at.map(|_some| rows::time(row, 4)).transpose()?,
    })
}

fn decision(row: &Row, index: usize) -> Result<Option<Decision>, Problem> {
    let text: Option<&str> = rows::value(row, index)?;
    Ok(text.and_then(Decision::parse))
}

/// Stores a decision. Also returns the digests of the ended sessions.
///
/// Each change checks again, under its locks, what was read before it. If another operator has decided meanwhile, it changes
/// nothing, and the next attempt reads again.
pub(super) async fn resolve(
    link: Limited<'_>,
    records_events: bool,
    resolution: &Resolution,
) -> Result<(Resolved, Vec<TokenDigest>), Problem> {
    let mut ended = Vec::new();
    let done = |ended: Vec<TokenDigest>| (Resolved::Done { ended: ended.len() }, ended);
    let is_merge = resolution.decision == Some(Decision::Merged);
    for _attempt in 0..ATTEMPTS {
        let Some(stored) = stored(link, resolution).await? else {
            return Ok((Resolved::NotFound, ended));
        };
        let is_reversed = is_merge && stored.conflict.kept != resolution.kept;
        if resolution.decision == stored.decision && !is_reversed {
            return Ok(done(ended));
        }
        let was_merge = stored.decision == Some(Decision::Merged);
        if (is_merge || was_merge) && stored.is_blocked {
            return Ok((Resolved::Blocked, ended));
        }
        if was_merge && has_later_merge(link, &stored.conflict).await? {
            return Ok((Resolved::HasLaterMerge, ended));
        }
        let changed = if was_merge {
            // What was merged the other way round is separated first.
            let decision = resolution.decision.filter(|_decision| !is_merge);
            separate(
                link,
                records_events,
                &stored.conflict,
                decision,
                resolution.now,
            )
            .await?
        } else if is_merge {
            merge(link, records_events, resolution).await?
        } else {
            decide(link, &stored, resolution).await?
        };
        if let Some(sessions) = changed {
            ended.extend(sessions);
            if !(was_merge && is_merge) {
                return Ok(done(ended));
            }
        }
    }
    Err(Problem::Unusable(
        "others decide about the same conflict all the time; try again".to_owned(),
    ))
}

/// A stored conflict.
struct Stored {
    conflict: Conflict,
    decision: Option<Decision>,
    /// If `true`, one of the two users is blocked.
    is_blocked: bool,
}

/// Reads where it is written: a standby, or another connection, may not have the latest decision.
async fn stored(link: Limited<'_>, resolution: &Resolution) -> Result<Option<Stored>, Problem> {
    let sql = "SELECT kept, other, decision, moved, EXISTS (
             SELECT 1 FROM account AS identity JOIN account AS owner ON owner.id = coalesce(identity.root_id, identity.id)
             WHERE identity.id IN ($1, $2) AND owner.blocked_at IS NOT NULL)
         FROM user_conflict WHERE (kept = $1 AND other = $2) OR (kept = $2 AND other = $1)";
    let params: Params<'_> = &[
        &resolution.kept.0.as_slice(),
        &resolution.other.0.as_slice(),
    ];
    let found = link.write(sql, params).await?;
    let stored = found.first().map(|row| {
        let moved: Option<&[u8]> = rows::value(row, 3)?;
        Ok(Stored {
            conflict: Conflict {
                kept: UserId(rows::bytes(row, 0)?),
                other: UserId(rows::bytes(row, 1)?),
                moved: moved
                    .map(|_some| rows::bytes(row, 3).map(UserId))
                    .transpose()?,
            },
            decision: decision(row, 2)?,
            is_blocked: rows::value(row, 4)?,
        })
    });
    stored.transpose()
}

/// Stores a decision that moves no identity. Returns `None` if another decision was stored meanwhile.
async fn decide(
    link: Limited<'_>,
    stored: &Stored,
    resolution: &Resolution,
) -> Result<Option<Vec<TokenDigest>>, Problem> {
    let sql = "UPDATE user_conflict SET decision = $3, decided_at = $4
               WHERE kept = $1 AND other = $2 AND decision IS NOT DISTINCT FROM $5 RETURNING true";
    let decided_at = resolution
        .decision
        .map(|_some| resolution.now.as_millisecond());
    let params: Params<'_> = &[
        &stored.conflict.kept.0.as_slice(),
        &stored.conflict.other.0.as_slice(),
        &resolution.decision.map(Decision::as_str),
        &decided_at,
        &stored.decision.map(Decision::as_str),
    ];
    let changed = link.write(sql, params).await?;
    Ok((!changed.is_empty()).then(Vec::new))
}
