//! Opening a database: what is rejected, and the sentence that says why.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::identity::StorePassword;
use crate::store::check;
use crate::store::contract;
use crate::store::database::Database;
use crate::store::interface::{Error, Store as _};
use crate::store::postgres::Postgres;
use crate::store::postgres::migrate::LATEST;
use crate::store::postgres::tests::schema::{Schema, must_run, open};
use crate::store::session_cache::SessionCache;

/// Returns the message of the error.
async fn rejection(database: &Database) -> String {
    open(database).await.unwrap_err().to_string()
}

#[track_caller]
fn check_url(url: &str, says: &str) {
    let message = check(&url.into()).unwrap_err().to_string();
    assert!(message.contains(says), "{url}: {message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_url_that_cannot_be_used_is_rejected_without_its_password() {
    check_url(
        "postgres://weapp:hunter2@db/weapp",
        "has a password in the URL",
    );
    check_url(
        "postgres://weapp@db/weapp?password=hunter2",
        "has a password in the URL",
    );
    check_url("postgres:///weapp", "names no host");
    check_url(
        "postgres://weapp@db/weapp?sslmode=prefer",
        "would accept a server without TLS",
    );
    check_url(
        "postgres://weapp@db/weapp?sslcert=x",
        "the unknown parameter `sslcert`",
    );
    check_url("postgres://weapp@db:port/weapp", "is no valid URL");
    check_url(
        "postgres://weapp@db/weapp?target_session_attrs=any",
        "unknown parameter",
    );
    for url in [
        "postgres://weapp@db1,db2:5433/weapp?sslmode=verify-full&target_session_attrs=read-write",
        "postgresql://weapp@[::1]:5433/weapp?options=-csearch_path%3Dweapp",
        "postgres://weapp@%2Frun%2Fpostgresql/weapp",
    ] {
        check(&url.into()).unwrap();
    }
}

/// A server that accepts connections, answers each message with the same bytes, and speaks no TLS.
async fn fake_server(responses: Vec<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(actix_rt::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            for response in &responses {
                if !matches!(socket.read(&mut buffer).await, Ok(1..)) {
                    break;
                }
                socket.write_all(response).await.unwrap();
            }
        }
    }));
    port
}

/// A message of PostgreSQL's protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

/// The response to a query: one row of texts.
fn row(texts: &[&str]) -> Vec<u8> {
    let count = u16::try_from(texts.len()).unwrap().to_be_bytes();
    let column = b"name\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0";
    let value = |text: &&str| {
        let length = u32::try_from(text.len()).unwrap();
        [&length.to_be_bytes()[..], text.as_bytes()].concat()
    };
    let values = texts.iter().flat_map(value).collect::<Vec<_>>();
    [
        message(b'T', &[&count[..], &column.repeat(texts.len())].concat()),
        message(b'D', &[&count[..], &values].concat()),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}

/// The response to the start of a connection without a password.
fn welcome() -> Vec<u8> {
    [message(b'R', &[0; 4]), message(b'Z', b"I")].concat()
}

#[actix_rt::test]
async fn an_engine_that_only_speaks_the_protocol_is_rejected() {
    for version in [
        "CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu)",
        "PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu",
        "PostgreSQL 8.0.2 on i686-pc-linux-gnu, Redshift 1.0.12103",
    ] {
        let responses = vec![welcome(), row(&["off"]), row(&[version])];
        let port = fake_server(responses).await;
        let message = rejection(&format!("postgres://weapp@127.0.0.1:{port}/x").into()).await;
        assert!(message.contains("and not PostgreSQL"), "{message}");
    }
    let old = [row(&["PostgreSQL 13.4"]), row(&["130004"])];
    let responses = [vec![welcome(), row(&["off"])], old.into()].concat();
    let port = fake_server(responses).await;
    let message = rejection(&format!("postgres://weapp@127.0.0.1:{port}/x").into()).await;
    assert!(message.contains("PostgreSQL 13 is too old"), "{message}");
}

/// The driver's own default, `prefer`, would go on without TLS.
#[actix_rt::test]
async fn a_server_without_tls_gets_no_password() {
    let port = fake_server(vec![b"N".to_vec()]).await;
    let mut database: Database =
        format!("postgres://weapp@127.0.0.1:{port}/x?sslmode=require").into();
    database.password = StorePassword::new("hunter2");
    let message = rejection(&database).await;
    assert!(message.contains("TLS"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

/// The server's certificate is for 127.0.0.1, from an authority of its own.
#[actix_rt::test]
async fn the_certificate_and_the_name_of_a_server_are_verified() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let Ok(authority) = std::env::var("WEAPP_TEST_POSTGRES_CA") else {
        assert!(!must_run(), "WEAPP_TEST_POSTGRES_CA is not set");
        return;
    };
    let url = format!("{}&sslmode=verify-full", schema.url());
    let trusting = format!("{url}&sslrootcert={authority}");
    open(&trusting.as_str().into()).await.unwrap();
    let message = rejection(&url.into()).await;
    assert!(message.contains("certificate"), "{message}");
    let other_name = trusting.replace("@127.0.0.1:", "@localhost:");
    let message = rejection(&other_name.into()).await;
    assert!(message.contains("certificate"), "{message}");
}

#[actix_rt::test]
async fn a_server_that_is_silent_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let started = std::time::Instant::now();
    let message = rejection(&format!("postgres://weapp@{address}/x").into()).await;
    assert!(
        message.contains("has not responded for 2000 ms"),
        "{message}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// The first host refuses connections.
#[actix_rt::test]
async fn the_host_that_accepts_writes_is_used() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let url = schema.url().replacen('@', "@127.0.0.1:1,", 1);
    let node = open(&url.into()).await.unwrap();
    node.log_in(contract::login(1, 0)).await.unwrap();
}

#[actix_rt::test]
async fn a_newer_schema_is_rejected_and_a_running_node_goes_on() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let node = schema.backend().await;
    // What a migration of the next version does.
    schema
        .run("ALTER TABLE session ADD COLUMN later text; ALTER TABLE account ADD COLUMN later bigint NOT NULL DEFAULT 0;
              INSERT INTO schema_version (version) VALUES (1000)")
        .await;
    let message = rejection(&schema.url().into()).await;
    let says = format!("it has schema 1000, and this program supports none later than {LATEST}");
    assert!(message.contains(&says), "{message}");
    let login = contract::login(1, 0);
    node.log_in(login.clone()).await.unwrap();
    assert!(node.find(login.digest).await.unwrap().is_some());
}

#[actix_rt::test]
async fn the_tables_of_another_program_are_left_alone() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    schema.run("CREATE TABLE session (id bigint)").await;
    let message = rejection(&schema.url().into()).await;
    assert!(
        message.contains("another program has tables of these names"),
        "{message}"
    );
}

/// Also if it is set for the role or the database.
#[actix_rt::test]
async fn commits_that_are_not_durable_are_rejected_in_production() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let mut database: Database = format!("{}%20-csynchronous_commit%3Doff", schema.url()).into();
    open(&database).await.unwrap();
    database.must_be_durable = true;
    let message = rejection(&database).await;
    assert!(message.contains("`synchronous_commit` is off"), "{message}");
}

/// `PgBouncer` drops the settings of a connection, or rejects them.
#[actix_rt::test]
async fn a_connection_pooler_is_rejected() {
    let engine = [row(&["PostgreSQL 15.4"]), row(&["150004"])];
    let settings = row(&["", "on", "on", ""]);
    let drops = [
        vec![welcome(), row(&["off"])],
        engine.into(),
        vec![settings],
    ]
    .concat();
    let error = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
    for responses in [drops, vec![message(b'E', error)]] {
        let port = fake_server(responses).await;
        let message = rejection(&format!("postgres://weapp@127.0.0.1:{port}/x").into()).await;
        assert!(
            message.contains("a connection pooler drops the settings"),
            "{message}"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with the database's clock"
)]
fn now(milliseconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_millis(milliseconds)
}

type Clock = fn() -> Timestamp;

#[actix_rt::test]
async fn a_node_with_a_wrong_clock_is_not_ready() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let clocks: [(Clock, &str); 4] = [
        (|| now(0), ""),
        (|| now(300), ""),
        (|| now(7000), "s ahead of the database's"),
        (|| now(-7000), "s behind the database's"),
    ];
    for (clock, says) in clocks {
        let cache = std::sync::Arc::new(SessionCache::new());
        let node = Postgres::open(&schema.url().into(), cache, clock).await;
        let result = node.unwrap().probe(now(0)).await;
        match result {
            Ok(()) => assert_eq!(says, ""),
            Err(Error::Failed(cause)) => {
                let message = cause.to_string();
                assert!(message.contains(says) && !says.is_empty(), "{message}");
                assert!(message.starts_with("this machine's clock is"), "{message}");
            }
            Err(Error::Closed) => panic!("the store is open"),
        }
    }
}
