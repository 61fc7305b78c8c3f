//! The statements about kept phone numbers.

use rusqlite::{Connection, params};

use crate::identity::UserId;
use crate::store::interface::KeptNumber;

/// Returns `false` if there is no such user.
pub(super) fn keep(
    connection: &Connection,
    user: UserId,
    number: &KeptNumber,
) -> rusqlite::Result<bool> {
    let kept = connection
        .prepare_cached(
            "INSERT INTO phone_number (user, number, digest)
             SELECT id, ?2, ?3 FROM user WHERE id = ?1 AND root_id IS NULL
             ON CONFLICT (user) DO UPDATE SET number = excluded.number, digest = excluded.digest",
        )?
        .execute(params![user.0, number.sealed.0, number.digest.0])?;
    Ok(kept > 0)
}
