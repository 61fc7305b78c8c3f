//! `/livez` and `/readyz`.

use std::time::{Duration, Instant};

use actix_web::test::TestRequest;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::unconstrained;
use tokio::time::sleep;

use crate::harness::{Folder, Reply, TestApp, now};
use crate::server::Binary;

async fn ready(app: &TestApp) -> Reply {
    app.call(TestRequest::get().uri("/readyz")).await
}

async fn alive(app: &TestApp) -> Reply {
    app.call(TestRequest::get().uri("/livez")).await
}

fn store_unavailable() -> Value {
    json!({
        "code": 503,
        "error": "store_unavailable",
        "message": "The session store does not respond: try again as Retry-After says; all sessions are kept.",
    })
}

fn draining() -> Value {
    json!({
        "code": 503,
        "error": "draining",
        "message": "The server is shutting down: try again as Retry-After says.",
    })
}

#[actix_rt::test]
async fn a_server_with_its_store_is_ready() {
    let app = TestApp::start().await;
    ready(&app).await.assert_data(json!({}));
    alive(&app).await.assert_data(json!({}));
}

#[actix_rt::test]
async fn a_draining_server_is_not_ready() {
    let app = TestApp::start().await;
    app.parts.readiness().drain();
    ready(&app).await.assert_error_body(503, draining());
    app.parts.store().close().await.unwrap();
    ready(&app).await.assert_error_body(503, draining());
    alive(&app).await.assert_data(json!({}));
}

#[actix_rt::test]
async fn a_server_without_its_store_is_not_ready() {
    let app = TestApp::start().await;
    app.parts.store().close().await.unwrap();
    ready(&app)
        .await
        .assert_error_body(503, store_unavailable());
    alive(&app).await.assert_data(json!({}));
}

#[actix_rt::test]
async fn readyz_waits_two_seconds_for_the_store() {
    let app = TestApp::start().await;
    let holder = app.lock_store();
    let start = Instant::now();
    let reply = ready(&app).await;
    reply.assert_error_body(503, store_unavailable());
    assert_eq!(reply.header("retry-after"), Some("1"));
    let waited = start.elapsed().as_millis();
    assert!((1_900..4_000).contains(&waited), "{waited} ms");
    alive(&app).await.assert_data(json!({}));
    drop(holder);
    ready(&app).await.assert_data(json!({}));
}

#[actix_rt::test]
async fn health_checks_do_not_fill_the_queue_of_a_locked_store() {
    // More than the 4096 entries of the store's queue.
    const CHECKS: usize = 5_000;
    let app = TestApp::start().await;
    let holder = app.lock_store();
    let readiness = app.parts.readiness();
    let checks = join_all((0..CHECKS).map(|_| readiness.check(now())));
    // So many checks in one task exceed tokio's budget for a task.
    let results = unconstrained(checks).await;
    let expected = "the store has not responded for 2 seconds";
    for result in results {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    let code = app.wechat.issue_code("mei");
    let unlock = async {
        sleep(Duration::from_millis(300)).await;
        drop(holder);
    };
    let (login, ()) = tokio::join!(app.login(&code), unlock);
    login.token();
}

#[test]
fn health_checks_are_not_in_the_access_log() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    for (path, status) in [("/livez", 200), ("/readyz", 200), ("/nope", 404)] {
        assert_eq!(server.ask("GET", path, "", "").0, status, "{path}");
    }
    server.wait_for("GET /nope");
    let output = server.output();
    assert!(!output.contains("GET /livez"), "{output}");
    assert!(!output.contains("GET /readyz"), "{output}");
}
