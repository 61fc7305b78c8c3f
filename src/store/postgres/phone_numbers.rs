//! The statements about kept phone numbers.

use crate::identity::UserId;
use crate::store::interface::KeptNumber;
use crate::store::postgres::link::Limited;
use crate::store::postgres::problem::Problem;

/// Returns `false` if there is no such user.
pub(super) async fn keep(
    link: Limited<'_>,
    user: UserId,
    number: &KeptNumber,
) -> Result<bool, Problem> {
    let sql = "INSERT INTO phone_number (account, number, digest)
               SELECT id, $2, $3 FROM account WHERE id = $1 AND root_id IS NULL
               ON CONFLICT (account) DO UPDATE SET number = excluded.number, digest = excluded.digest
               RETURNING account";
    let (user, digest) = (user.0.as_slice(), number.digest.0.as_slice());
    let kept = link.write(sql, &[&user, &number.sealed.0, &digest]).await?;
    Ok(!kept.is_empty())
}
