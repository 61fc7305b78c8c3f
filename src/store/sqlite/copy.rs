//! The rows of a SQLite file, to be copied.

use std::future::ready;
use std::path::Path;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::store::copy::rows::{Row, Rows, Table, Tables, Value, tables};
use crate::store::interface::{Error, OpenError, Reply};
use crate::store::sqlite::open;
use crate::store::sqlite::problem::Problem;

/// All tables, except for `clock`, which each database fills by itself. A test compares them with the schema.
pub(super) const TABLES: Tables = tables!("user", "");

/// A file whose rows are copied.
pub(crate) struct SqliteRows(Connection);

impl SqliteRows {
    /// Opens and migrates a file, and creates it unless it must exist.
    pub(crate) fn open(path: &Path, must_exist: bool) -> Result<Self, OpenError> {
        let opened = if must_exist && !path.exists() {
            Err(Problem::Missing)
        } else {
            open::writer(path)
        };
        opened
            .map(Self)
            .map_err(|problem| OpenError::new(path.to_string_lossy(), problem))
    }

    fn read_now(&self, table: &Table, after: &[Value]) -> rusqlite::Result<Vec<Row>> {
        let sql = table.select(!after.is_empty(), |index| format!("?{index}"));
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(after), |row| {
            let values = (0..table.width()).map(|index| value(row.get_ref(index)?));
            values.collect()
        })?;
        rows.collect()
    }

    fn insert_now(&self, table: &Table, rows: &[Row]) -> rusqlite::Result<()> {
        let transaction = self.0.unchecked_transaction()?;
        let places = vec!["?"; table.width()].join(", ");
        let (name, columns) = (table.name, table.columns);
        let sql = format!("INSERT INTO {name} ({columns}) VALUES ({places})");
        let mut statement = transaction.prepare(&sql)?;
        for row in rows {
            statement.execute(params_from_iter(row))?;
        }
        drop(statement);
        transaction.commit()
    }
}

impl Rows for SqliteRows {
    fn tables(&self) -> &'static Tables {
        &TABLES
    }

    fn count(&self, table: &'static Table) -> Reply<'_, u64> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count = self.0.query_row(&sql, (), |row| row.get::<_, i64>(0));
        Box::pin(ready(count.map(i64::unsigned_abs).map_err(Error::from)))
    }

    fn read<'a>(&'a self, table: &'static Table, after: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(ready(self.read_now(table, after).map_err(Error::from)))
    }

    fn insert<'a>(&'a self, table: &'static Table, rows: &'a [Row]) -> Reply<'a, ()> {
        Box::pin(ready(self.insert_now(table, rows).map_err(Error::from)))
    }
}

fn value(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Text(_) => Value::Text(value.as_str()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
        ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
