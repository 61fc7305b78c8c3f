//! The identities of one person.

use crate::identity::KeyedDigest;
use crate::store::contract;
use crate::store::interface::{Login, Store as _};
use crate::store::postgres::merges::LOCK_ROWS;
use crate::store::postgres::people::IDENTITIES;
use crate::store::postgres::tests::schema::Schema;

fn login(subject: u8, seconds: i64) -> Login {
    Login {
        person: vec![KeyedDigest([9; 32])],
        ..contract::login(subject, seconds)
    }
}

/// A node of an earlier version deletes the user's own row only.
#[actix_rt::test]
async fn an_identity_whose_user_is_gone_becomes_a_user() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let node = schema.backend().await;
    let user = node.log_in(login(1, 0)).await.unwrap().user.id;
    let linked = login(2, 1);
    assert_eq!(node.log_in(linked.clone()).await.unwrap().user.id, user);
    schema
        .run("DELETE FROM account WHERE root_id IS NULL")
        .await;
    let next = login(2, 2);
    let logged_in = node.log_in(next.clone()).await.unwrap();
    assert_eq!(logged_in.user.id, linked.user_if_new);
    assert!(node.session_status(next.digest).await.unwrap().is_some());
    let identities = node.identities_of(linked.user_if_new).await.unwrap();
    assert_eq!(identities.len(), 1);
}

/// A scan of all users would take seconds, while a merge holds its locks.
#[actix_rt::test]
async fn identities_are_found_by_indices() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let node = schema.backend().await;
    node.log_in(login(1, 0)).await.unwrap();
    schema
        .run("INSERT INTO account (id, subject, openid, created_at)
              SELECT uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid()), '', 0 FROM generate_series(1, 20000);
              ANALYZE account")
        .await;
    let client = schema.connect().await;
    for sql in [LOCK_ROWS, IDENTITIES] {
        let sql = sql.replace("$1", "'\\x01'").replace("$2", "'\\x02'");
        let plan = client.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
        let plan: Vec<&str> = plan.iter().map(|row| row.get(0)).collect();
        let scans = plan.iter().any(|line| line.contains("Seq Scan"));
        assert!(!scans, "{plan:#?}");
    }
}
