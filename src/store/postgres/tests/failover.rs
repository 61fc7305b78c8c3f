//! A node whose connections have moved to another server between two polls. The server's own functions, which name it, are
//! replaced by functions of the schema.

use crate::store::contract::login;
use crate::store::postgres::tests::faults::status;
use crate::store::postgres::tests::schema::{Schema, cached};

/// The functions by which a poll recognizes the server. Their results come from a table.
const FUNCTIONS: &str = "
    CREATE TABLE server (started timestamptz NOT NULL, timeline int NOT NULL);
    INSERT INTO server VALUES ('2026-01-01', 1);
    CREATE FUNCTION pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql AS 'SELECT started FROM server';
    CREATE FUNCTION pg_walfile_name(pg_lsn) RETURNS text LANGUAGE sql AS
        $$ SELECT lpad(timeline::text, 8, '0') || '0000000000000001' FROM server $$";

/// Another server has other transactions under the same numbers, so the cursor says nothing about its revocations. Here the
/// revocation is not in the log at all.
async fn check(failover: &str) {
    let Some(schema) = Schema::create().await else {
        return;
    };
    schema.run(FUNCTIONS).await;
    // Listed, the catalog comes after the schema.
    let url = format!("{}%2Cpg_catalog", schema.url());
    let node = cached(&url.into()).await;
    let (live, revoked) = (login(1, 0), login(2, 0));
    for login in [&live, &revoked] {
        node.log_in(login.clone()).await.unwrap();
        for _until_cached in 0..3 {
            assert!(status(&node, login).await.unwrap().is_some());
        }
    }
    let end = "DELETE FROM session WHERE account = (SELECT account FROM session ORDER BY place DESC LIMIT 1)";
    schema.run(end).await;
    assert!(
        status(&node, &revoked).await.unwrap().is_some(),
        "the session was not cached"
    );
    schema.run(failover).await;
    assert_eq!(status(&node, &revoked).await.unwrap(), None, "{failover}");
    assert!(status(&node, &live).await.unwrap().is_some(), "{failover}");
}

#[actix_rt::test]
async fn a_server_that_was_started_at_another_time_clears_the_cache() {
    check("UPDATE server SET started = '2026-01-02'").await;
}

#[actix_rt::test]
async fn a_server_on_another_timeline_clears_the_cache() {
    check("UPDATE server SET timeline = 2").await;
}
