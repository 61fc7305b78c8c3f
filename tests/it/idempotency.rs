//! Repeated logins with an `Idempotency-Key`.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use wechat_simulator::{Endpoint, Fault};

use crate::harness::{Reply, TestApp};
use crate::server::Connection;

const ENDPOINT: Endpoint = Endpoint::Code2Session;
const KEY: &str = "0b5f7c1e-8d7a-4a53-9c36-3f1f6a4f2f10";

async fn log_in(app: &TestApp, code: &str, key: &str) -> Reply {
    app.login_with(code, &[("idempotency-key", key)]).await
}

/// Returns the data of a reply without the times that remain.
fn without_times(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let mut data = reply.json()["data"].clone();
    data["expires_in"] = json!(null);
    data["idle_expires_in"] = json!(null);
    data
}

#[actix_rt::test]
async fn the_same_code_and_key_get_the_same_response() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    let first = log_in(&app, &code, KEY).await;
    let expected = json!({
        "token": first.token(),
        "expires_in": 604_800,
        "idle_expires_in": 259_200,
        "user": { "id": first.user_id(), "is_new": true },
    });
    first.assert_data(expected);
    for _ in 0..3 {
        let again = log_in(&app, &code, KEY).await;
        assert_eq!(without_times(&again), without_times(&first));
    }
    assert_eq!(app.wechat.requests().len(), 1);
    assert_eq!(app.rows_in("session"), 1);
    assert_eq!(app.show_session(&first.token()).await.status, 200);
}

#[actix_rt::test]
async fn a_repeated_login_with_the_old_token_replaces_its_session_once() {
    let app = TestApp::start().await;
    let (desktop, old) = (app.token_of("mei").await, app.token_of("mei").await);
    let code = app.wechat.issue_code("mei");
    let authorization = format!("Bearer {old}");
    let headers = [("idempotency-key", KEY), ("authorization", &authorization)];
    let logins = (0..4).map(|_| app.login_with(&code, &headers));
    let replies = join_all(logins).await;
    let new = replies[0].token();
    for reply in &replies {
        assert_eq!(reply.token(), new);
    }
    assert_eq!(app.login_with(&code, &headers).await.token(), new);
    let old = app.show_session(&old).await;
    old.assert_error(401, "session_required");
    for token in [&desktop, &new] {
        assert_eq!(app.show_session(token).await.status, 200);
    }
    assert_eq!(app.rows_in("session"), 2);
    assert_eq!(app.live(&new).await.unwrap().session_keys().len(), 2);
}

#[actix_rt::test]
async fn a_repeated_login_returns_the_times_that_remain() {
    let app = TestApp::with(&[("WEAPP_SESSION__IDLE_SECONDS", "604800")]).await;
    let code = app.wechat.issue_code("mei");
    log_in(&app, &code, KEY).await.token();
    app.set_idle(3_600_000);
    let again = log_in(&app, &code, KEY).await.json();
    let seconds = |name: &str| again["data"][name].as_i64().unwrap();
    assert!(
        (604_700..=604_800).contains(&seconds("expires_in")),
        "{again}"
    );
    assert!(
        (601_100..=601_200).contains(&seconds("idle_expires_in")),
        "{again}"
    );
}

#[actix_rt::test]
async fn another_code_or_key_is_another_login() {
    let app = TestApp::start().await;
    let (code, other) = (app.wechat.issue_code("mei"), app.wechat.issue_code("mei"));
    let first = log_in(&app, &code, KEY).await.token();
    let rejected = log_in(&app, &code, "another-key").await;
    assert_eq!(rejected.assert_error(401, "login_code_used")["code"], 40163);
    assert_ne!(log_in(&app, &other, KEY).await.token(), first);
    // The boundary between code and key is part of the record.
    let (head, tail) = code.split_at(31);
    let moved = log_in(&app, head, &format!("{tail}{KEY}")).await;
    moved.assert_error(401, "login_code_invalid");
}

#[actix_rt::test]
async fn without_the_header_no_result_is_stored() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.login(&code).await.token();
    app.login(&code).await.assert_error(401, "login_code_used");
    assert_eq!(app.rows_in("ledger"), 0);
}

#[actix_rt::test]
async fn a_malformed_key_is_rejected_before_wechat_is_called() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    for key in ["", "a b", "\"é\"", &"x".repeat(256)] {
        log_in(&app, &code, key).await.assert_error_body(
            400,
            json!({
                "code": 400,
                "error": "idempotency_key_malformed",
                "message": "The Idempotency-Key must be a single value of 1 to 255 visible ASCII characters.",
            }),
        );
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let rejected = app.login_with(&code, &twice).await;
    rejected.assert_error(400, "idempotency_key_malformed");
    assert!(app.wechat.requests().is_empty());
    log_in(&app, &code, &"x".repeat(255)).await.token();
}

#[actix_rt::test]
async fn concurrent_logins_with_one_key_send_the_code_once() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    let by = Duration::from_millis(300);
    app.wechat.fail_next(ENDPOINT, Fault::Delay { by });
    let replies = join_all((0..20).map(|_| log_in(&app, &code, KEY))).await;
    for reply in &replies {
        assert_eq!(without_times(reply), without_times(&replies[0]));
        reply.token();
    }
    assert_eq!(
        (app.wechat.requests().len(), app.rows_in("session")),
        (1, 1)
    );
}

#[actix_rt::test]
async fn a_failed_login_is_not_stored() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(ENDPOINT, Fault::errcode(45011));
    let rejected = log_in(&app, &code, KEY).await;
    rejected.assert_error(429, "too_many_requests");
    assert_eq!(app.rows_in("ledger"), 0);
    log_in(&app, &code, KEY).await.token();
}

#[actix_rt::test]
async fn callers_that_wait_for_a_failed_login_try_one_by_one() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(ENDPOINT, Fault::errcode(45011));
    let replies = join_all((0..5).map(|_| log_in(&app, &code, KEY))).await;
    let done = |reply: &&Reply| reply.status == 200;
    assert_eq!(replies.iter().filter(done).count(), 4);
    assert_eq!(app.wechat.requests().len(), 2);
}

#[actix_rt::test]
async fn a_code_whose_response_was_lost_is_reported_as_used() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(ENDPOINT, Fault::ResetAfter);
    let lost = log_in(&app, &code, KEY).await;
    lost.assert_error(502, "platform_unintelligible");
    let rejected = log_in(&app, &code, KEY).await;
    assert_eq!(rejected.assert_error(401, "login_code_used")["code"], 40163);
}

#[actix_rt::test]
async fn a_response_is_not_repeated_after_its_session_has_ended() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    let token = log_in(&app, &code, KEY).await.token();
    app.end_session(&token).await;
    let rejected = log_in(&app, &code, KEY).await;
    let rejected = rejected.assert_error(401, "login_code_used");
    let expected = json!({
        "code": 401,
        "error": "login_code_used",
        "message": "This login code was used before and works only once: send a new code, from wx.login in a mini program or from a new GET /login/oauth/url on the web.",
        "request_id": rejected["request_id"],
    });
    assert_eq!(rejected, expected);
    assert_eq!(app.wechat.requests().len(), 1);
}

/// A phone loses its connection before the response, for example in a tunnel.
#[actix_rt::test]
async fn a_login_continues_when_its_client_disconnects() {
    let app = TestApp::start().await;
    let server = app.serve();
    let code = app.wechat.issue_code("mei");
    let by = Duration::from_millis(500);
    app.wechat.fail_next(ENDPOINT, Fault::Delay { by });
    let body = json!({ "code": code }).to_string();
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         idempotency-key: {KEY}\r\n\r\n{body}",
        body.len()
    );
    let mut gone = Connection::to(server.port);
    gone.send(request.as_bytes());
    actix_rt::time::sleep(Duration::from_millis(200)).await;
    gone.reset();
    actix_rt::time::sleep(Duration::from_millis(50)).await;
    log_in(&app, &code, KEY).await.token();
    assert_eq!(
        (app.wechat.requests().len(), app.rows_in("session")),
        (1, 1)
    );
}

#[actix_rt::test]
async fn a_store_failure_does_not_spend_the_code() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.parts.store().close().await.unwrap();
    let rejected = log_in(&app, &code, KEY).await;
    rejected.assert_error(503, "store_unavailable");
    assert!(app.wechat.requests().is_empty());
}
