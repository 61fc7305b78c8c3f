//! The statements about the identities of one person.

use tokio_postgres::Row;

use crate::identity::{AppId, KeyedDigest, Subject, UserId};
use crate::session::{Profile, Sealed};
use crate::store::people::{LateUnionId, UserIdentity};
use crate::store::postgres::link::{Limited, Params};
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::rows::{of_digest, of_subject};

/// Locks the people of a transaction, in order, so that two first logins of one person end with one user. The rows that a
/// later statement reads are those of the transactions that this one has waited for. No merge runs meanwhile.
pub(super) const LOCK_PEOPLE: &str = "
    SELECT pg_advisory_xact_lock_shared(2004380776, hashtext(current_schema())), pg_advisory_xact_lock(person)
    FROM unnest($1::bigint[]) AS person";

/// Waits for the transactions that link identities, and keeps others from beginning.
pub(super) const LOCK_LINKS: &str =
    "SELECT pg_advisory_xact_lock(2004380776, hashtext(current_schema()))";

/// Registers the first digest of each subject: for the identity that has one of its digests already, or for the identity of the
/// subject.
pub(super) const REGISTER: &str = concat!(
    "
    WITH person AS (
             SELECT * FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS person (subject, digest, place)),
         first AS (
             SELECT DISTINCT ON (subject) subject, digest FROM person ORDER BY subject, place),
         owner AS (
             SELECT DISTINCT ON (person.subject) person.subject, owner.id AS account
             FROM person",
    of_digest!("person", "owner"),
    "ORDER BY person.subject, place)
    INSERT INTO union_identity (digest, account)
    SELECT first.digest, coalesce(owner.account, account.id)
    FROM first",
    of_subject!("first", "account"),
    "LEFT JOIN owner ON owner.subject = first.subject
    ON CONFLICT DO NOTHING"
);

/// Records a conflict for each subject whose first digest is registered for an identity of another user. Changes nothing if
/// the conflict is known, in either order.
pub(super) const RECORD_CONFLICTS: &str = concat!(
    "INSERT INTO user_conflict (kept, other, found_at)
    SELECT coalesce(owner.root_id, owner.id), coalesce(own.root_id, own.id), login.now
    FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS login (subject, digest, now)",
    of_subject!("login", "own"),
    of_digest!("login", "owner"),
    "WHERE coalesce(owner.root_id, owner.id) <> coalesce(own.root_id, own.id)
    ON CONFLICT DO NOTHING"
);

/// The people of some subjects, as parameters of the statements above.
#[derive(Default)]
pub(super) struct People<'a> {
    /// The digests of all subjects, and the subject of each.
    pub(super) subjects: Vec<&'a [u8]>,
    pub(super) digests: Vec<&'a [u8]>,
    /// The subjects that have a digest, the first one of each, and the time.
    pub(super) firsts: (Vec<&'a [u8]>, Vec<&'a [u8]>, Vec<i64>),
    /// The locks, in their order.
    pub(super) locks: Vec<i64>,
}

impl<'a> People<'a> {
    /// Adds the digests of a subject. Those of different subjects have none in common.
    pub(super) fn add(&mut self, subject: &'a Subject, person: &'a [KeyedDigest], now: i64) {
        let Some(first) = person.first() else {
            return;
        };
        self.firsts.0.push(&subject.0);
        self.firsts.1.push(&first.0);
        self.firsts.2.push(now);
        for digest in person {
            self.subjects.push(&subject.0);
            self.digests.push(&digest.0);
            let lock = digest.0.first_chunk().copied();
            self.locks.extend(lock.map(i64::from_be_bytes));
        }
        self.locks.sort_unstable();
        self.locks.dedup();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }
}

/// Returns `false` if there is no such identity.
pub(super) async fn learn(link: Limited<'_>, late: &LateUnionId) -> Result<bool, Problem> {
    let mut people = People::default();
    if let Some(person) = &late.proof {
        people.add(&late.subject, person, late.now.as_millisecond());
    }
    let subject = late.subject.0.as_slice();
    let (subjects, digests, now) = &people.firsts;
    let statements: [(&str, Params<'_>); 4] = [
        (LOCK_PEOPLE, &[&people.locks]),
        (
            "UPDATE account SET unionid = CASE WHEN $3 OR unionid IS NULL THEN $2 ELSE unionid END
             WHERE subject = $1 RETURNING id",
            &[&subject, &late.unionid.0, &late.proof.is_some()],
        ),
        (REGISTER, &[&people.subjects, &people.digests]),
        (RECORD_CONFLICTS, &[subjects, digests, now]),
    ];
    let results = link.transaction("BEGIN", &statements).await?;
    Ok(results.get(1).is_some_and(|found| !found.is_empty()))
}

/// The identities of a user, the user's own row first.
pub(super) const IDENTITIES: &str = "
    SELECT id, subject, openid, unionid, app_id, created_at, nickname, avatar_url,
           (SELECT number FROM phone_number WHERE phone_number.account = account.id)
    FROM account
    WHERE (id = $1 AND root_id IS NULL) OR root_id = $1
    ORDER BY root_id IS NOT NULL, created_at, id";

/// Returns the identities of a user.
pub(super) async fn identities_of(
    link: Limited<'_>,
    user: UserId,
) -> Result<Vec<UserIdentity>, Problem> {
    let found = link.read(IDENTITIES, &[&user.0.as_slice()]).await?;
    found.iter().map(identity).collect()
}

fn identity(row: &Row) -> Result<UserIdentity, Problem> {
    Ok(UserIdentity {
        id: UserId(rows::bytes(row, 0)?),
        subject: Subject(rows::bytes(row, 1)?),
        openid: Sealed(rows::value(row, 2)?),
        unionid: rows::value::<Option<Vec<u8>>>(row, 3)?.map(Sealed),
        app: rows::value::<Option<&str>>(row, 4)?.map(AppId::new),
        created_at: rows::time(row, 5)?,
        profile: Profile {
            nickname: rows::value(row, 6)?,
            avatar_url: rows::value(row, 7)?,
        },
        phone_number: rows::value::<Option<Vec<u8>>>(row, 8)?.map(Sealed),
    })
}
