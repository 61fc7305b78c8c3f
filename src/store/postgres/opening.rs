//! Opens a database: connects, and creates and migrates the tables.

use std::error::Error as _;
use std::sync::Arc;

use jiff::Timestamp;

use crate::store::database::Database;
use crate::store::interface::{Error, Migrated, OpenError};
use crate::store::postgres::Postgres;
use crate::store::postgres::connect::connect;
use crate::store::postgres::identity::{DatabaseIdentity, identity};
use crate::store::postgres::migrate::migrate;
use crate::store::postgres::node::Node;
use crate::store::postgres::target::Target;
use crate::store::postgres::worker::Worker;
use crate::store::session_cache::SessionCache;

/// A database that was opened once, so that it can be used.
struct Prepared {
    migrated: Migrated,
    identity: DatabaseIdentity,
    has_synchronous_standby: bool,
}

/// Connects, and migrates the tables.
async fn prepare(worker: &Worker, target: Target) -> Result<Prepared, Error> {
    let prepared = worker.run(async move {
        let mut connection = connect(&target).await?;
        Ok(Prepared {
            migrated: migrate(&mut connection.client).await?,
            identity: identity(&connection.client).await?,
            has_synchronous_standby: connection.has_synchronous_standby,
        })
    });
    prepared.await
}

fn cannot_be_opened(database: &Database, error: Error) -> OpenError {
    let problem = match error.source() {
        Some(problem) => problem.to_string(),
        None => error.to_string(),
    };
    OpenError::new(
        database.url.as_str(),
        format!("cannot be opened: {problem}"),
    )
}

impl Postgres {
    /// Connects, and creates and migrates the tables as needed. Evicts from `cache` the sessions that any node revokes.
    /// `now` is the clock of this machine.
    pub(in crate::store) async fn open(
        database: &Database,
        cache: Arc<SessionCache>,
        now: fn() -> Timestamp,
    ) -> Result<Self, OpenError> {
        let mut target = Target::of(database)?;
        let explain = |error| cannot_be_opened(database, error);
        let worker = Worker::start().map_err(|problem| explain(problem.into()))?;
        let prepared = prepare(&worker, target.clone()).await.map_err(explain)?;
        target.identity = Some(prepared.identity);
        if prepared.has_synchronous_standby {
            log::info!("PostgreSQL confirms a commit when a synchronous standby has it");
        } else {
            log::info!(
                "PostgreSQL has no synchronous standby: a failover to another server may lose the last logins, and bring back \
                 revoked sessions"
            );
        }
        let node = Arc::new(Node::new(database, cache, now));
        node.start(&worker, &target);
        let links = Arc::clone(&node);
        let connected = worker.run(async move { links.connected().await });
        connected.await.map_err(explain)?;
        Ok(Self { node, worker })
    }

    /// Connects, and creates and migrates the tables as needed.
    pub(in crate::store) async fn migrate(database: &Database) -> Result<Migrated, OpenError> {
        let target = Target::of(database)?;
        let explain = |error| cannot_be_opened(database, error);
        let worker = Worker::start().map_err(|problem| explain(problem.into()))?;
        let prepared = prepare(&worker, target).await.map_err(explain)?;
        Ok(prepared.migrated)
    }

    /// Checks the URL.
    pub(in crate::store) fn check(database: &Database) -> Result<(), OpenError> {
        Target::of(database).map(drop)
    }
}
