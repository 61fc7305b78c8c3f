//! The identity of a database: a random number that a migration has stored in it.
//!
//! A connection may reach another server than the one before: its port was reused, a proxy or a name points elsewhere, or the
//! tables were replaced. The sessions are unknown there, and "no such session" would log all users out.

use std::fmt;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::store::postgres::problem::Problem;

/// The identity of a database. A promoted standby and a restored backup have the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DatabaseIdentity(String);

impl fmt::Display for DatabaseIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the identity of the database that the client is connected to.
pub(super) async fn identity(client: &Client) -> Result<DatabaseIdentity, Problem> {
    let sql = "SELECT identity::text FROM database_identity";
    let row = client.query_opt(sql, &[]).await?;
    let row = row.ok_or_else(|| Problem::Malformed("`database_identity` is empty".to_owned()))?;
    Ok(DatabaseIdentity(row.get(0)))
}

/// Fails if the client is connected to another database than the expected one.
pub(super) async fn check(client: &Client, expected: &DatabaseIdentity) -> Result<(), Problem> {
    let found = match identity(client).await {
        Ok(found) if found == *expected => return Ok(()),
        Ok(found) => format!("database {found}"),
        Err(problem) if problem.has_code(&[SqlState::UNDEFINED_TABLE]) => {
            "a database without the tables".to_owned()
        }
        Err(problem) => return Err(problem),
    };
    Err(Problem::OtherDatabase {
        expected: expected.to_string(),
        found,
    })
}
