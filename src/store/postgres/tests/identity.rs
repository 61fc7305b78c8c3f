//! A node whose connections reach another database than the one that it has opened.

use std::time::Duration;

use actix_rt::time::sleep;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::store::contract::login;
use crate::store::interface::{Error, Store as _};
use crate::store::postgres::tests::faults::{Pair, SECOND, status};
use crate::store::postgres::tests::schema::Schema;

/// Puts another schema in the place of the pair's, as if its server were another one. The pair's is kept as `kept_…`.
async fn replace(pair: &Pair, other: &str) {
    let name = pair.schema.name();
    let swap =
        format!("ALTER SCHEMA {name} RENAME TO kept_{name}; ALTER SCHEMA {other} RENAME TO {name}");
    pair.schema.run(&swap).await;
    pair.proxy.cut();
}

/// Undoes [`replace`].
async fn restore(pair: &Pair, other: &str) {
    let name = pair.schema.name();
    let swap =
        format!("ALTER SCHEMA {name} RENAME TO {other}; ALTER SCHEMA kept_{name} RENAME TO {name}");
    pair.schema.run(&swap).await;
    pair.proxy.cut();
}

/// Returns the message of the error.
fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Failed(cause)) => cause.to_string(),
        Err(Error::Closed) => panic!("the store is open"),
        Ok(_) => panic!("the other database was used"),
    }
}

/// Checks that every call is an error that says this, for longer than it takes to connect again.
async fn check_rejected(pair: &Pair, live: &crate::store::interface::Login, says: &str) {
    let start = Instant::now();
    let mut calls = 0;
    // On a busy machine, a call may take as long.
    while start.elapsed() < SECOND / 2 || calls < 2 {
        let error = status(&pair.a, live)
            .await
            .expect_err("the other database was used");
        let error = message::<()>(Err(error));
        // The first calls may find the connections that were cut.
        assert!(
            error.contains(says) || start.elapsed() < SECOND / 4,
            "{error}"
        );
        calls += 1;
        sleep(Duration::from_millis(5)).await;
    }
    assert!(message(pair.a.log_in(login(9, 0)).await).contains(says));
    assert!(message(pair.a.probe(Timestamp::UNIX_EPOCH).await).contains(says));
}

#[actix_rt::test]
async fn another_database_is_an_error_and_ends_no_session() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    let live = pair.log_in(1).await;
    let other = Schema::create().await.unwrap();
    other.backend().await.log_in(login(1, 0)).await.unwrap();
    replace(&pair, other.name()).await;
    check_rejected(&pair, &live, ", and found database ").await;
    restore(&pair, other.name()).await;
    assert!(pair.recover(&live, 5 * SECOND).await.is_some());
    let found = other.backend().await.find(live.digest).await.unwrap();
    assert!(found.is_none());
}

#[actix_rt::test]
async fn a_running_node_creates_no_tables() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    let live = pair.log_in(1).await;
    let other = Schema::create().await.unwrap();
    replace(&pair, other.name()).await;
    check_rejected(&pair, &live, ", and found a database without the tables").await;
    restore(&pair, other.name()).await;
    assert!(pair.recover(&live, 5 * SECOND).await.is_some());
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    let tables = other.connect().await.query_one(tables, &[]).await.unwrap();
    assert_eq!(tables.get::<_, i64>(0), 0);
}

/// A promoted standby and a restored backup have the identity of the database that they were copied from.
#[actix_rt::test]
async fn a_copy_of_the_database_is_used() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    let live = pair.log_in(1).await;
    let copy = Schema::create().await.unwrap();
    drop(copy.backend().await);
    let (from, to) = (pair.schema.name(), copy.name());
    copy.run(&format!(
        "UPDATE database_identity SET identity = (SELECT identity FROM {from}.database_identity);
         INSERT INTO account SELECT * FROM {from}.account;
         INSERT INTO session OVERRIDING SYSTEM VALUE SELECT * FROM {from}.session"
    ))
    .await;
    replace(&pair, to).await;
    assert!(pair.recover(&live, 5 * SECOND).await.is_some());
    restore(&pair, to).await;
}
