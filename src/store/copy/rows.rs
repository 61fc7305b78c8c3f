//! Rows as they are copied: values without a meaning, in tables that have the same columns in each backend.

use sha2::{Digest as _, Sha256};

use crate::store::interface::{Error, Reply};

/// Number of rows that are read and written at once. Our choice: a few hundred kilobytes, and a commit every few
/// milliseconds.
pub(crate) const BATCH: usize = 1000;

/// A value of a column.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The values of a row, in the order of [`Table::columns`].
pub(crate) type Row = Vec<Value>;

/// A table that is copied. All backends have the same tables with the same columns in the same order.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The first columns, which are the primary key, separated by commas. Texts are compared by their bytes, so that all
    /// backends have the same order.
    pub(crate) key: &'static str,
    pub(crate) columns: &'static str,
}

/// Defines the tables of a backend, with its name for a user, and the words that make it compare texts by their bytes.
macro_rules! tables {
    ($user:literal, $by_bytes:literal) => {
        [
            Table {
                name: $user,
                key: "id",
                columns: "id, subject, openid, unionid, created_at, nickname, avatar_url, app_id, blocked_at, block_reason, \
                          parent_id, root_id",
            },
            Table {
                name: "session",
                key: "digest",
                columns: concat!(
                    "digest, id, ",
                    $user,
                    ", app, created_at, expires_at, last_seen, device, session_keys, identity_id"
                ),
            },
            Table {
                name: "ledger",
                key: "key",
                columns: "key, value, version, expires_at, holder, held_until",
            },
            Table {
                name: "phone_number",
                key: $user,
                columns: concat!($user, ", number, digest"),
            },
            Table {
                name: "union_identity",
                key: "digest",
                columns: concat!("digest, ", $user),
            },
            Table {
                name: "user_conflict",
                key: "kept, other",
                columns: "kept, other, found_at, decision, decided_at, moved",
            },
            Table {
                name: "login_count",
                key: concat!("day", $by_bytes, ", app", $by_bytes, ", node"),
                columns: "day, app, node, logins",
            },
            Table {
                name: "event",
                key: "position",
                columns: concat!(
                    "position, id, kind, ",
                    $user,
                    ", app, session, reason, at, other_user"
                ),
            },
        ]
    };
}
pub(crate) use tables;

impl Table {
    /// Number of columns.
    pub(crate) fn width(&self) -> usize {
        names(self.columns).count()
    }

    /// The statement that reads [`BATCH`] rows, after a key if there is one. `place` returns the placeholder of a value.
    pub(crate) fn select(&self, has_key: bool, place: impl Fn(usize) -> String) -> String {
        let Self { name, key, columns } = self;
        let places: Vec<_> = (1..=names(key).count()).map(place).collect();
        let condition = if has_key {
            format!("WHERE ({key}) > ({})", places.join(", "))
        } else {
            String::new()
        };
        format!("SELECT {columns} FROM {name} {condition} ORDER BY {key} LIMIT {BATCH}")
    }

    /// The key of the last row; empty if there are no rows.
    pub(super) fn last_key(&self, rows: &[Row]) -> Vec<Value> {
        let values = rows.last().map_or(&[][..], Vec::as_slice);
        values
            .iter()
            .take(names(self.key).count())
            .cloned()
            .collect()
    }
}

/// Splits a list of columns.
pub(crate) fn names(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(", ")
}

/// The contents of the tables, for messages. Users come first, because the sessions refer to them.
pub(crate) const CONTENTS: [&str; 8] = [
    "users",
    "sessions",
    "ledger records",
    "phone numbers",
    "unionids",
    "user conflicts",
    "login counts",
    "events",
];

/// One [`Table`] per [`CONTENTS`].
pub(crate) type Tables = [Table; CONTENTS.len()];

/// A database whose rows are copied.
pub(crate) trait Rows {
    fn tables(&self) -> &'static Tables;

    /// Counts the rows of a table.
    fn count(&self, table: &'static Table) -> Reply<'_, u64>;

    /// Reads at most [`BATCH`] rows in the order of their keys, beginning after a key; an empty one is the start.
    fn read<'a>(&'a self, table: &'static Table, after: &'a [Value]) -> Reply<'a, Vec<Row>>;

    /// Inserts rows in one transaction.
    fn insert<'a>(&'a self, table: &'static Table, rows: &'a [Row]) -> Reply<'a, ()>;
}

/// The number of rows of a table, and a digest of their contents.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) rows: u64,
    digest: [u8; 32],
}

impl Summary {
    /// Reads the whole table.
    pub(super) async fn of(database: &dyn Rows, table: &'static Table) -> Result<Self, Error> {
        let (mut rows, mut digest) = (0, Sha256::new());
        let mut after = Vec::new();
        loop {
            let batch = database.read(table, &after).await?;
            for value in batch.iter().flatten() {
                add(&mut digest, value);
            }
            rows += size(&batch);
            after = table.last_key(&batch);
            if after.is_empty() {
                break;
            }
        }
        Ok(Self {
            rows,
            digest: digest.finalize().into(),
        })
    }
}

pub(super) fn size(rows: &[Row]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

/// Adds a value to the digest, with its kind and its length, so that no two rows have the same bytes.
fn add(digest: &mut Sha256, value: &Value) {
    let number;
    let (kind, bytes): (u8, &[u8]) = match value {
        Value::Null => (0, &[]),
        Value::Integer(integer) => {
            number = integer.to_be_bytes();
            (1, &number)
        }
        Value::Text(text) => (2, text.as_bytes()),
        Value::Bytes(bytes) => (3, bytes),
    };
    digest.update([kind]);
    digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    digest.update(bytes);
}
