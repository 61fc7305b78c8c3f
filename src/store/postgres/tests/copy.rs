//! Copies to and from PostgreSQL, and roles with few permissions.

use crate::store::contract;
use crate::store::copy::rows::names;
use crate::store::copy::tests::check_copy;
use crate::store::database::Database;
use crate::store::interface::{Migrated, Store as _};
use crate::store::postgres::Postgres;
use crate::store::postgres::copy::TABLES;
use crate::store::postgres::migrate::LATEST;
use crate::store::postgres::tests::schema::{Schema, open};
use crate::store::temporary::Folder;

#[actix_rt::test]
async fn a_copy_from_or_to_a_file_has_the_same_contents() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let folder = Folder::new();
    let file = |name| -> Database { format!("sqlite://{}", folder.file(name).display()).into() };
    check_copy(&file("from.db"), &schema.url().into()).await;
    let Some(other) = Schema::create().await else {
        return;
    };
    check_copy(&other.url().into(), &file("to.db")).await;
}

/// A new column or table must be added to the list, or to the exceptions.
#[actix_rt::test]
async fn every_column_of_the_schema_is_copied() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    drop(schema.backend().await);
    let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns
               WHERE table_schema = current_schema() AND table_name NOT IN ('clock', 'database_identity', 'revocation', 'schema_version')
                 AND (table_name, column_name) <> ('session', 'place')";
    let rows = schema.connect().await.query(sql, &[]).await.unwrap();
    let mut found: Vec<(String, String)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let tables = TABLES.iter();
    let mut copied: Vec<_> = tables
        .flat_map(|table| {
            names(table.columns).map(|column| (table.name.to_owned(), column.to_owned()))
        })
        .collect();
    found.sort();
    copied.sort();
    assert_eq!(found, copied);
}

#[actix_rt::test]
async fn a_role_that_may_not_change_tables_can_use_a_migrated_schema() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let (name, owner) = (schema.name(), Database::from(schema.url()));
    let role = format!("role_{name}");
    schema
        .run(&format!("CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {name} TO {role};
                       ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"))
        .await;
    let service = Database::from(schema.url().replacen("weapp@", &format!("{role}@"), 1));
    let message = open(&service).await.unwrap_err().to_string();
    assert!(
        message
            .contains("hint: run `weapp-login store migrate` with a role that may create tables"),
        "{message}"
    );
    for from in [0, LATEST] {
        let migrated = Postgres::migrate(&owner).await.unwrap();
        assert_eq!(migrated, Migrated { from, to: LATEST });
    }
    let node = open(&service).await.unwrap();
    let login = contract::login(1, 0);
    node.log_in(login.clone()).await.unwrap();
    node.probe(login.now).await.unwrap();
    node.sweep(login.now, jiff::SignedDuration::from_hours(1))
        .await
        .unwrap();
    assert_eq!(node.count_sessions().await.unwrap(), 1);
    assert!(node.session_status(login.digest).await.unwrap().is_some());
    let user = node.find(login.digest).await.unwrap().unwrap().1.id;
    assert_eq!(node.delete_user(user).await.unwrap(), [user]);
    node.close().await.unwrap();
    schema
        .run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}
