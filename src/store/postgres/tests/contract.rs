//! The contract of a store, by one node and by several.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::store::contract;
use crate::store::interface::Store;
use crate::store::postgres::tests::schema::{Schema, server};

/// Checks the contract with a new schema for each test.
async fn check_contract(open: impl AsyncFn(&Schema) -> Arc<dyn Store>) {
    if server().is_none() {
        return;
    }
    let schemas = RefCell::new(Vec::new());
    contract::check(async || {
        let schema = Schema::create().await.unwrap();
        let store = open(&schema).await;
        schemas.borrow_mut().push(schema);
        store
    })
    .await;
}

#[actix_rt::test]
async fn one_node_fulfils_the_contract() {
    check_contract(Schema::node).await;
}

#[actix_rt::test]
async fn two_nodes_fulfil_the_contract() {
    check_contract(async |schema| {
        contract::alternating([schema.node().await, schema.node().await])
    })
    .await;
}

#[actix_rt::test]
async fn several_nodes_fulfil_the_contract() {
    if server().is_none() {
        return;
    }
    let schemas = RefCell::new(HashMap::new());
    contract::check_nodes(async |name| {
        let known = schemas.borrow().contains_key(name);
        if !known {
            let schema = Arc::new(Schema::create().await.unwrap());
            schemas
                .borrow_mut()
                .entry(name.to_owned())
                .or_insert(schema);
        }
        let schema = Arc::clone(&schemas.borrow()[name]);
        schema.node().await
    })
    .await;
}

#[actix_rt::test]
async fn events_are_recorded_only_if_they_are_wanted() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    contract::check_without_events(&schema.backend().await).await;
}

/// A transaction that is open for hours, such as that of a backup, lengthens the polls and changes nothing else.
#[actix_rt::test]
async fn a_long_transaction_elsewhere_does_not_delay_a_revocation() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let nodes = [schema.node().await, schema.node().await];
    let other = schema.connect().await;
    let begin =
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM session; SELECT pg_current_xact_id()";
    other.batch_execute(begin).await.unwrap();
    contract::check_revocations(&nodes).await;
    other.batch_execute("COMMIT").await.unwrap();
}
