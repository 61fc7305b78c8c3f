//! The statements of the ledger.
//!
//! Knows SQL. Never knows transactions, or what a record is for.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::rows::time_at;
use crate::session::Sealed;
use crate::store::{Claim, Claimed, Holder, LedgerKey, Version};

/// What can be answered without writing; `None` if the record is the caller's to take.
pub(super) fn look(connection: &Connection, claim: &Claim) -> rusqlite::Result<Option<Claimed>> {
    connection
        .prepare_cached(
            "SELECT value, version, expires_at, holder, held_until FROM ledger WHERE key = ?1",
        )?
        .query_row([claim.key.0], |row| {
            let (version, expires_at) = (Version(row.get(1)?), time_at(row, 2)?);
            let (holder, until) = (row.get::<_, Option<[u8; 16]>>(3)?, time_at(row, 4)?);
            if let Some(value) = row.get::<_, Option<Vec<u8>>>(0)?.map(Sealed)
                && claim.now < expires_at
                && claim.stale != Some(version)
            {
                return Ok(Some(Claimed::Kept {
                    value,
                    version,
                    expires_at,
                }));
            }
            let anothers = holder.is_some_and(|holder| holder != claim.holder.0);
            Ok((anothers && claim.now < until).then_some(Claimed::Held { until }))
        })
        .optional()
        .map(Option::flatten)
}

/// Looks once more, now that nobody else writes, and takes what is to be taken.
pub(super) fn claim(connection: &Connection, claim: &Claim) -> rusqlite::Result<Claimed> {
    if let Some(answer) = look(connection, claim)? {
        return Ok(answer);
    }
    connection
        .prepare_cached(
            "INSERT INTO ledger (key, holder, held_until) VALUES (:key, :holder, :until)
             ON CONFLICT (key) DO UPDATE
             SET holder = excluded.holder, held_until = excluded.held_until",
        )?
        .execute(named_params! {
            ":key": claim.key.0,
            ":holder": claim.holder.0,
            ":until": claim.until.as_millisecond(),
        })?;
    Ok(Claimed::Yours)
}

pub(super) fn keep(
    connection: &Connection,
    key: LedgerKey,
    holder: Holder,
    value: &Sealed,
    expires_at: Timestamp,
) -> rusqlite::Result<bool> {
    let kept = connection
        .prepare_cached(
            "UPDATE ledger SET value = :value, version = random(), expires_at = :expires_at,
                               holder = NULL, held_until = 0
             WHERE key = :key AND holder = :holder",
        )?
        .execute(named_params! {
            ":key": key.0,
            ":holder": holder.0,
            ":value": value.0,
            ":expires_at": expires_at.as_millisecond(),
        })?;
    Ok(kept > 0)
}

pub(super) fn release(
    connection: &Connection,
    key: LedgerKey,
    holder: Holder,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ledger SET holder = NULL, held_until = 0 WHERE key = ?1 AND holder = ?2",
        )?
        .execute(params![key.0, holder.0])
        .map(drop)
}

/// Removes what nobody can be given any more: values that expired, and claims that were left lying.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM ledger WHERE expires_at <= ?1 AND held_until <= ?1")?
        .execute([now.as_millisecond()])
        .map(drop)
}
