//! The statements of the ledger.

use jiff::Timestamp;

use crate::session::Sealed;
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey, Version};
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;

/// Maximum number of times that a claim reads the record again, because another one was faster or the record was swept.
const ATTEMPTS: usize = 3;

/// Replies to a claim without writing, or returns `None` if the caller can take the lease.
pub(super) async fn read(link: Limited<'_>, claim: &Claim) -> Result<Option<Claimed>, Problem> {
    let sql = "SELECT value, version, expires_at, holder, held_until FROM ledger WHERE key = $1";
    let rows = link.read(sql, &[&claim.key.0.as_slice()]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let (version, expires_at) = (Version(rows::value(row, 1)?), rows::time(row, 2)?);
    let (holder, until): (Option<&[u8]>, _) = (rows::value(row, 3)?, rows::time(row, 4)?);
    if let Some(value) = rows::value::<Option<Vec<u8>>>(row, 0)?.map(Sealed)
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
}

/// Takes the lease, unless another caller was faster. One statement decides.
pub(super) async fn claim(
    reads: Limited<'_>,
    writes: Limited<'_>,
    claim: &Claim,
) -> Result<Claimed, Problem> {
    let sql = "INSERT INTO ledger AS l (key, holder, held_until) VALUES ($1, $2, $3)
               ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
                WHERE NOT (l.value IS NOT NULL AND $4 < l.expires_at AND l.version IS DISTINCT FROM $5)
                  AND (l.holder IS NULL OR l.holder = excluded.holder OR l.held_until <= $4)
               RETURNING true";
    let (key, holder) = (claim.key.0.as_slice(), claim.holder.0.as_slice());
    let (now, until) = (claim.now.as_millisecond(), claim.until.as_millisecond());
    let stale = claim.stale.map(|version| version.0);
    for _attempt in 0..ATTEMPTS {
        let params: Params<'_> = &[&key, &holder, &until, &now, &stale];
        if !writes.write(sql, params).await?.is_empty() {
            return Ok(Claimed::Yours);
        }
        if let Some(claimed) = read(reads, claim).await? {
            return Ok(claimed);
        }
    }
    // The caller tries again later.
    Ok(Claimed::Held { until: claim.now })
}

/// Returns `None` if the caller has lost the lease.
pub(super) async fn keep(
    link: Limited<'_>,
    key: LedgerKey,
    holder: Holder,
    value: &Sealed,
    expires_at: Timestamp,
) -> Result<Option<Version>, Problem> {
    let sql =
        "UPDATE ledger SET value = $3, version = $4, expires_at = $5, holder = NULL, held_until = 0
               WHERE key = $1 AND holder = $2 RETURNING version";
    let random = getrandom::u64().map_err(|error| Problem::Unusable(error.to_string()))?;
    let version = i64::from_ne_bytes(random.to_ne_bytes());
    let (key, holder) = (key.0.as_slice(), holder.0.as_slice());
    let expires_at = expires_at.as_millisecond();
    let kept = link
        .write(sql, &[&key, &holder, &value.0, &version, &expires_at])
        .await?;
    Ok((!kept.is_empty()).then_some(Version(version)))
}

/// Removes a record that has no value.
pub(super) async fn release(
    link: Limited<'_>,
    key: LedgerKey,
    holder: Holder,
) -> Result<(), Problem> {
    let sql = "WITH released AS (
                   UPDATE ledger SET holder = NULL, held_until = 0
                   WHERE key = $1 AND holder = $2 AND value IS NOT NULL)
               DELETE FROM ledger WHERE key = $1 AND holder = $2 AND value IS NULL";
    let (key, holder) = (key.0.as_slice(), holder.0.as_slice());
    link.write(sql, &[&key, &holder]).await.map(drop)
}

pub(super) async fn discard(
    link: Limited<'_>,
    key: LedgerKey,
    holder: Holder,
) -> Result<(), Problem> {
    let sql = "DELETE FROM ledger WHERE key = $1 AND holder = $2";
    let (key, holder) = (key.0.as_slice(), holder.0.as_slice());
    link.write(sql, &[&key, &holder]).await.map(drop)
}
