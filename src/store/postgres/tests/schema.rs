//! A schema of a test's own, and nodes that use it.

use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::sleep;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls};

use crate::store::cached::CachedStore;
use crate::store::database::Database;
use crate::store::interface::{OpenError, Store};
use crate::store::postgres::Postgres;
use crate::store::session_cache::SessionCache;

/// The server's URL. `None` skips a test; with `WEAPP_TEST_STORES=all`, a missing server is an error instead.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(super) fn server() -> Option<String> {
    if let Ok(url) = std::env::var("WEAPP_TEST_POSTGRES") {
        return Some(url);
    }
    assert!(!must_run(), "WEAPP_TEST_POSTGRES is not set");
    eprintln!("skipped: WEAPP_TEST_POSTGRES is not set");
    None
}

/// Returns `true` if no test may be skipped.
pub(super) fn must_run() -> bool {
    std::env::var("WEAPP_TEST_STORES").is_ok_and(|stores| stores == "all")
}

/// An empty schema, removed on drop.
pub(super) struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// Creates a schema, or returns `None` if there is no server.
    pub(super) async fn create() -> Option<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let schema = Self {
            server: server()?,
            name: format!("test_{:016x}", u64::from_ne_bytes(random)),
        };
        schema.run(&format!("CREATE SCHEMA {}", schema.name)).await;
        Some(schema)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The URL of the schema.
    pub(super) fn url(&self) -> String {
        self.url_at(&self.server)
    }

    /// The URL of the schema, on a server that is reached in another way.
    pub(super) fn url_at(&self, server: &str) -> String {
        format!("{server}?options=-csearch_path%3D{}", self.name)
    }

    /// A connection of another program.
    pub(super) async fn connect(&self) -> Client {
        let (client, driver) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
        drop(actix_rt::spawn(driver));
        client
    }

    /// Runs statements of another program.
    pub(super) async fn run(&self, sql: &str) {
        self.connect().await.batch_execute(sql).await.unwrap();
    }

    /// Opens a node without a cache in front of it.
    pub(super) async fn backend(&self) -> Postgres {
        open(&self.url().into()).await.unwrap()
    }

    /// The same, which records events or does not.
    pub(super) async fn backend_with(&self, records_events: bool) -> Postgres {
        let database = Database {
            records_events,
            ..self.url().into()
        };
        open(&database).await.unwrap()
    }

    /// Waits until a transaction of another connection is open, and does nothing.
    pub(super) async fn wait_for_idle_transaction(&self) {
        let client = self.connect().await;
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%AS login (%'
                   AND state_change < clock_timestamp() - interval '200 ms'";
        let start = Instant::now();
        loop {
            let idle: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
            if idle > 0 {
                return;
            }
            assert!(start.elapsed().as_secs() < 5, "no transaction is idle");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Opens a node that records events.
    pub(super) async fn node(&self) -> Arc<dyn Store> {
        let database = Database {
            records_events: true,
            ..self.url().into()
        };
        cached(&database).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with the database's clock"
)]
pub(super) async fn open(database: &Database) -> Result<Postgres, OpenError> {
    Postgres::open(database, Arc::new(SessionCache::new()), Timestamp::now).await
}

/// Opens a node with its cache.
#[expect(
    clippy::disallowed_methods,
    reason = "compared with the database's clock"
)]
pub(super) async fn cached(database: &Database) -> Arc<dyn Store> {
    let cache = Arc::new(SessionCache::new());
    let backend = Postgres::open(database, Arc::clone(&cache), Timestamp::now).await;
    Arc::new(CachedStore::new(Arc::new(backend.unwrap()), cache))
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let remove = move || {
            actix_rt::System::new().block_on(async move {
                let Ok((client, driver)) = tokio_postgres::connect(&server, NoTls).await else {
                    return;
                };
                drop(actix_rt::spawn(driver));
                // A test that has failed may still hold locks.
                let remove = format!("SET lock_timeout = '2s'; DROP SCHEMA {name} CASCADE");
                client.batch_execute(&remove).await.unwrap_or_default();
            });
        };
        std::thread::spawn(remove).join().unwrap_or_default();
    }
}
