//! The rows of a PostgreSQL database, to be copied.

use tokio_postgres::types::{ToSql, Type};

use crate::store::copy::rows::{Row, Rows, Table, Tables, Value, tables};
use crate::store::database::Database;
use crate::store::interface::{OpenError, Reply};
use crate::store::postgres::connect::{Connection, connect};
use crate::store::postgres::migrate::migrate;
use crate::store::postgres::problem::Problem;
use crate::store::postgres::rows;
use crate::store::postgres::target::Target;

/// All tables, except for `clock` and `database_identity`, which each database fills by itself, the order of the logins in a
/// millisecond (`place`), and the log of revocations, which is for running nodes. A test compares them with the schema.
pub(super) const TABLES: Tables = tables!("account", " COLLATE \"C\"");

/// A connection to a database whose rows are copied.
pub(crate) struct PostgresRows(Connection);

impl PostgresRows {
    /// Connects, and creates and migrates the tables as needed. The connection lives in the runtime of the caller.
    pub(crate) async fn open(database: &Database) -> Result<Self, OpenError> {
        let target = Target::of(database)?;
        let connected = async {
            let mut connection = connect(&target).await?;
            migrate(&mut connection.client).await?;
            Ok::<_, Problem>(connection)
        };
        let connected = connected.await.map_err(|problem| {
            OpenError::new(
                database.url.as_str(),
                format!("cannot be opened: {problem}"),
            )
        });
        connected.map(Self)
    }

    async fn read_rows(&self, table: &Table, after: &[Value]) -> Result<Vec<Row>, Problem> {
        let sql = table.select(!after.is_empty(), |index| format!("${index}"));
        let after: Vec<_> = after.iter().collect();
        let found = self.query(&sql, &after).await?;
        let row = |row: &tokio_postgres::Row| {
            let types = row.columns().iter().map(tokio_postgres::Column::type_);
            let values = types
                .enumerate()
                .map(|(index, column)| value(row, index, column));
            values.collect()
        };
        found.iter().map(row).collect()
    }

    /// One statement, so that all rows are inserted or none.
    async fn insert_rows(&self, table: &Table, rows: &[Row]) -> Result<(), Problem> {
        let width = table.width();
        let places = (0..rows.len()).map(|row| {
            let places = (1..=width).map(|column| format!("${}", row * width + column));
            format!("({})", places.collect::<Vec<_>>().join(", "))
        });
        let places = places.collect::<Vec<_>>().join(", ");
        let (name, columns) = (table.name, table.columns);
        let mut sql =
            format!("INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE VALUES {places}");
        if name == "event" {
            // The next event gets a later position.
            sql = format!(
                "WITH inserted AS ({sql} RETURNING position)
                 SELECT setval(pg_get_serial_sequence('event', 'position'), max(position)) FROM inserted"
            );
        }
        let values: Vec<_> = rows.iter().flatten().collect();
        self.query(&sql, &values).await.map(drop)
    }

    /// Runs a statement with values of the types that it has.
    async fn query(
        &self,
        sql: &str,
        values: &[&Value],
    ) -> Result<Vec<tokio_postgres::Row>, Problem> {
        let client = &self.0.client;
        let statement = client.prepare(sql).await?;
        let types = statement.params().iter();
        let parameters = values.iter().zip(types);
        let parameters: Result<Vec<_>, _> = parameters
            .map(|(value, column)| parameter(value, column))
            .collect();
        let parameters = parameters?;
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters
            .iter()
            .map(|parameter| -> &(dyn ToSql + Sync) { &**parameter })
            .collect();
        Ok(client.query(&statement, &parameters).await?)
    }
}

impl Rows for PostgresRows {
    fn tables(&self) -> &'static Tables {
        &TABLES
    }

    fn count(&self, table: &'static Table) -> Reply<'_, u64> {
        Box::pin(async move {
            let sql = format!("SELECT count(*) FROM {}", table.name);
            let rows = self.query(&sql, &[]).await?;
            let count: i64 = rows.first().map_or(Ok(0), |row| rows::value(row, 0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn read<'a>(&'a self, table: &'static Table, after: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move { Ok(self.read_rows(table, after).await?) })
    }

    fn insert<'a>(&'a self, table: &'static Table, rows: &'a [Row]) -> Reply<'a, ()> {
        Box::pin(async move { Ok(self.insert_rows(table, rows).await?) })
    }
}

fn value(row: &tokio_postgres::Row, index: usize, column: &Type) -> Result<Value, Problem> {
    let value = match *column {
        Type::BYTEA => rows::value::<Option<_>>(row, index)?.map(Value::Bytes),
        Type::TEXT => rows::value::<Option<_>>(row, index)?.map(Value::Text),
        Type::BOOL => {
            rows::value::<Option<bool>>(row, index)?.map(|value| Value::Integer(value.into()))
        }
        Type::INT4 => {
            rows::value::<Option<i32>>(row, index)?.map(|value| Value::Integer(value.into()))
        }
        _ => rows::value::<Option<_>>(row, index)?.map(Value::Integer),
    };
    Ok(value.unwrap_or(Value::Null))
}

type Parameter = Box<dyn ToSql + Sync + Send>;

fn parameter(value: &Value, column: &Type) -> Result<Parameter, Problem> {
    Ok(match (value, column) {
        (Value::Null, &Type::BYTEA) => Box::new(None::<Vec<u8>>),
        (Value::Null, &Type::TEXT) => Box::new(None::<String>),
        (Value::Null, &Type::BOOL) => Box::new(None::<bool>),
        (Value::Null, &Type::INT4) => Box::new(None::<i32>),
        (Value::Null, _) => Box::new(None::<i64>),
        (Value::Integer(integer), &Type::BOOL) => Box::new(*integer != 0),
        (Value::Integer(integer), &Type::INT4) => {
            let narrow = i32::try_from(*integer);
            Box::new(narrow.map_err(|error| Problem::Malformed(error.to_string()))?)
        }
        (Value::Integer(integer), _) => Box::new(*integer),
        (Value::Text(text), _) => Box::new(text.clone()),
        (Value::Bytes(bytes), _) => Box::new(bytes.clone()),
    })
}
