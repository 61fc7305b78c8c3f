//! The statements about the identities of one person.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::identity::{AppId, KeyedDigest, Subject, UserId};
use crate::session::{Profile, Sealed};
use crate::store::people::{LateUnionId, UserIdentity};
use crate::store::sqlite::rows::time_at;

/// A row of `user`, and the user that it is an identity of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) id: UserId,
    pub(super) user: UserId,
}

impl Identity {
    /// Reads an identity from the first columns.
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: UserId(row.get(0)?),
            user: UserId(row.get(1)?),
        })
    }
}

/// The identity that has a unionid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) identity: Identity,
    /// If `true`, it is known by the first digest, that of the current key.
    is_current: bool,
}

/// Finds the identity that has the unionid with one of these digests.
pub(super) fn owner(
    connection: &Connection,
    person: &[KeyedDigest],
) -> rusqlite::Result<Option<Owner>> {
    for (index, digest) in person.iter().enumerate() {
        let found = connection
            .prepare_cached(
                "SELECT user.id, coalesce(root_id, user.id)
                 FROM union_identity JOIN user ON user.id = union_identity.user WHERE digest = ?1",
            )?
            .query_row([digest.0], Identity::of)
            .optional()?;
        if let Some(identity) = found {
            return Ok(Some(Owner {
                identity,
                is_current: index == 0,
            }));
        }
    }
    Ok(None)
}

/// Records that an identity has the unionid with these digests: for the identity that has it already, or for this one. Records
/// a conflict if the two belong to different users.
pub(super) fn register(
    connection: &Connection,
    person: &[KeyedDigest],
    owner: Option<Owner>,
    identity: Identity,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let first = owner.map_or(identity, |owner| owner.identity);
    if first.user != identity.user {
        record_conflict(connection, first.user, identity.user, now)?;
    }
    match (owner, person.first()) {
        (Some(owner), _) if owner.is_current => Ok(()),
        (_, Some(digest)) => connection
            .prepare_cached(
                "INSERT INTO union_identity (digest, user) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![digest.0, first.id.0])
            .map(drop),
        (_, None) => Ok(()),
    }
}

/// Changes nothing if the conflict is known, in either order.
fn record_conflict(
    connection: &Connection,
    kept: UserId,
    other: UserId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO user_conflict (kept, other, found_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?
        .execute(params![kept.0, other.0, now.as_millisecond()])
        .map(drop)
}

/// Returns `false` if there is no such identity.
pub(super) fn learn(connection: &Connection, late: &LateUnionId) -> rusqlite::Result<bool> {
    let identity = connection
        .prepare_cached(
            "UPDATE user SET unionid = iif(?3 OR unionid IS NULL, ?2, unionid) WHERE subject = ?1
             RETURNING id, coalesce(root_id, id)",
        )?
        .query_row(
            params![late.subject.0, late.unionid.0, late.proof.is_some()],
            Identity::of,
        )
        .optional()?;
    let Some(identity) = identity else {
        return Ok(false);
    };
    if let Some(person) = &late.proof {
        let owner = owner(connection, person)?;
        register(connection, person, owner, identity, late.now)?;
    }
    Ok(true)
}

/// Returns the identities of a user, the user's own row first.
pub(super) fn identities_of(
    connection: &Connection,
    user: UserId,
) -> rusqlite::Result<Vec<UserIdentity>> {
    connection
        .prepare_cached(
            "SELECT id, subject, openid, unionid, app_id, created_at, nickname, avatar_url,
                    (SELECT number FROM phone_number WHERE phone_number.user = user.id)
             FROM user
             WHERE id IN (SELECT id FROM user WHERE id = ?1 AND root_id IS NULL
                          UNION ALL SELECT id FROM user WHERE root_id = ?1)
             ORDER BY root_id IS NOT NULL, created_at, id",
        )?
        .query_map([user.0], identity_at)?
        .collect()
}

fn identity_at(row: &Row<'_>) -> rusqlite::Result<UserIdentity> {
    Ok(UserIdentity {
        id: UserId(row.get(0)?),
        subject: Subject(row.get(1)?),
        openid: Sealed(row.get(2)?),
        unionid: row.get::<_, Option<Vec<u8>>>(3)?.map(Sealed),
        app: row.get::<_, Option<String>>(4)?.map(AppId::new),
        created_at: time_at(row, 5)?,
        profile: Profile {
            nickname: row.get(6)?,
            avatar_url: row.get(7)?,
        },
        phone_number: row.get::<_, Option<Vec<u8>>>(8)?.map(Sealed),
    })
}
