//! The statements of the ledger.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use crate::session::Sealed;
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey, Version};
use crate::store::sqlite::rows::time_at;

/// Replies to a claim without writing, or returns `None` if the caller can take the lease.
pub(super) fn read(connection: &Connection, claim: &Claim) -> rusqlite::Result<Option<Claimed>> {
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
            let is_anothers = holder.is_some_and(|holder| holder != claim.holder.0);
            Ok((is_anothers && claim.now < until).then_some(Claimed::Held { until }))
        })
        .optional()
        .map(Option::flatten)
}

/// Reads the record again, now that no other write can interfere, and takes the lease.
pub(super) fn claim(connection: &Connection, claim: &Claim) -> rusqlite::Result<Claimed> {
    if let Some(answer) = read(connection, claim)? {
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
) -> rusqlite::Result<Option<Version>> {
    connection
        .prepare_cached(
            "UPDATE ledger SET value = :value, version = random(), expires_at = :expires_at,
                               holder = NULL, held_until = 0
             WHERE key = :key AND holder = :holder
             RETURNING version",
        )?
        .query_row(
            named_params! {
                ":key": key.0,
                ":holder": holder.0,
                ":value": value.0,
                ":expires_at": expires_at.as_millisecond(),
            },
            |row| Ok(Version(row.get(0)?)),
        )
        .optional()
}

pub(super) fn release(
    connection: &Connection,
    key: LedgerKey,
    holder: Holder,
) -> rusqlite::Result<()> {
    let mut remove = connection
        .prepare_cached("DELETE FROM ledger WHERE key = ?1 AND holder = ?2 AND value IS NULL")?;
    if remove.execute(params![key.0, holder.0])? > 0 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE ledger SET holder = NULL, held_until = 0 WHERE key = ?1 AND holder = ?2",
        )?
        .execute(params![key.0, holder.0])
        .map(drop)
}

pub(super) fn discard(
    connection: &Connection,
    key: LedgerKey,
    holder: Holder,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM ledger WHERE key = ?1 AND holder = ?2")?
        .execute(params![key.0, holder.0])
        .map(drop)
}
