//! A node that is cut off in the middle of a transaction.

use std::sync::Arc;

use tokio::time::Instant;

use crate::store::contract::login;
use crate::store::postgres::tests::faults::{Pair, SECOND};
use crate::store::postgres::tests::proxy::Mode;

/// The database has the statements of a login, and never gets its COMMIT or the end of the connection. It ends the transaction
/// after five seconds, so the user is locked no longer.
#[actix_rt::test]
async fn a_transaction_without_its_end_locks_a_user_for_five_seconds() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    for second in 0..10 {
        // Prepares the statements on both connections.
        pair.a.log_in(login(1, second)).await.unwrap();
    }
    pair.proxy.set(Mode::HoldCommit);
    let (stalled, start) = (Arc::clone(&pair.a), Instant::now());
    let reply = actix_rt::spawn(async move { stalled.log_in(login(1, 10)).await });
    pair.schema.wait_for_idle_transaction().await;
    let mut failures = 0;
    while pair.b.log_in(login(1, 11)).await.is_err() {
        failures += 1;
        assert!(start.elapsed() < 9 * SECOND, "the user is still locked");
    }
    assert!(failures > 0, "the user was not locked");
    assert!(reply.await.unwrap().is_err());
}
