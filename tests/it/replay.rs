//! A login whose answer was lost: `Idempotency-Key`.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use wechat_simulator::{Endpoint, Fault};

use crate::harness::{Reply, TestApp};
use crate::server::Connection;

const ENDPOINT: Endpoint = Endpoint::Code2Session;
const KEY: &str = "0b5f7c1e-8d7a-4a53-9c36-3f1f6a4f2f10";

async fn log_in(app: &TestApp, code: &str, key: &str) -> Reply {
    app.login_with(code, &[("idempotency-key", key)]).await
}

#[actix_rt::test]
async fn the_same_code_and_key_get_the_same_answer() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    let first = log_in(&app, &code, KEY).await;
    let whole = json!({
        "token": first.token(),
        "expires_in": 604_800,
        "user": { "id": first.user_id(), "is_new": true },
    });
    first.assert_data(whole);
    for _ in 0..3 {
        let again = log_in(&app, &code, KEY).await;
        assert_eq!(
            (again.status, again.text),
            (first.status, first.text.clone())
        );
    }
    assert_eq!(app.wechat.requests().len(), 1);
    assert_eq!(app.rows_in("session"), 1);
    assert_eq!(app.show_session(&first.token()).await.status, 200);
}

#[actix_rt::test]
async fn another_code_or_key_is_another_login() {
    let app = TestApp::start().await;
    let (code, other) = (app.wechat.issue_code("mei"), app.wechat.issue_code("mei"));
    let first = log_in(&app, &code, KEY).await.token();
    let refused = log_in(&app, &code, "another key".replace(' ', "-").as_str()).await;
    assert_eq!(
        refused.assert_refused(401, "login_code_used")["code"],
        40163
    );
    assert_ne!(log_in(&app, &other, KEY).await.token(), first);
    // The border between the two counts.
    let (head, tail) = code.split_at(31);
    let moved = log_in(&app, head, &format!("{tail}{KEY}")).await;
    moved.assert_refused(401, "login_code_invalid");
}

#[actix_rt::test]
async fn without_the_header_nothing_is_kept() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.login(&code).await.token();
    app.login(&code)
        .await
        .assert_refused(401, "login_code_used");
    assert_eq!(app.rows_in("ledger"), 0);
}

#[actix_rt::test]
async fn what_is_no_key_is_refused_before_wechat_is_asked() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    for key in ["", "a b", "\"é\"", &"x".repeat(256)] {
        let refused = log_in(&app, &code, key)
            .await
            .assert_refused(400, "idempotency_key_malformed");
        let sentence = "The Idempotency-Key must be one text of 1 to 255 visible ASCII characters.";
        let whole = json!({
            "code": 400,
            "error": "idempotency_key_malformed",
            "message": sentence,
            "request_id": refused["request_id"],
        });
        assert_eq!(refused, whole, "{key:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let refused = app.login_with(&code, &twice).await;
    refused.assert_refused(400, "idempotency_key_malformed");
    assert!(app.wechat.requests().is_empty());
    log_in(&app, &code, &"x".repeat(255)).await.token();
}

#[actix_rt::test]
async fn one_of_many_at_once_asks_wechat_and_the_others_get_its_answer() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(
        ENDPOINT,
        Fault::Delay {
            by: Duration::from_millis(300),
        },
    );
    let replies = join_all((0..20).map(|_| log_in(&app, &code, KEY))).await;
    for reply in &replies {
        assert_eq!(reply.text, replies[0].text);
        reply.token();
    }
    assert_eq!(
        (app.wechat.requests().len(), app.rows_in("session")),
        (1, 1)
    );
}

#[actix_rt::test]
async fn a_login_that_failed_is_not_kept() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(ENDPOINT, Fault::errcode(45011));
    let refused = log_in(&app, &code, KEY).await;
    refused.assert_refused(429, "too_many_requests");
    log_in(&app, &code, KEY).await.token();
}

#[actix_rt::test]
async fn those_who_wait_for_a_login_that_fails_try_one_by_one() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(ENDPOINT, Fault::errcode(45011));
    let replies = join_all((0..5).map(|_| log_in(&app, &code, KEY))).await;
    let done = |reply: &&Reply| reply.status == 200;
    assert_eq!(replies.iter().filter(done).count(), 4);
    assert_eq!(app.wechat.requests().len(), 2);
}

#[actix_rt::test]
async fn a_code_that_was_spent_on_the_way_needs_a_new_one() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(ENDPOINT, Fault::ResetAfter);
    let lost = log_in(&app, &code, KEY).await;
    lost.assert_refused(502, "platform_unintelligible");
    let refused = log_in(&app, &code, KEY).await;
    assert_eq!(
        refused.assert_refused(401, "login_code_used")["code"],
        40163
    );
}

#[actix_rt::test]
async fn an_answer_whose_session_has_ended_is_not_repeated() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    let token = log_in(&app, &code, KEY).await.token();
    app.end_session(&token).await;
    let refused = log_in(&app, &code, KEY).await;
    let refused = refused.assert_refused(401, "login_code_used");
    let whole = json!({
        "code": 401,
        "error": "login_code_used",
        "message": "This login code was used before and works only once: call wx.login again.",
        "request_id": refused["request_id"],
    });
    assert_eq!(refused, whole);
    assert_eq!(app.wechat.requests().len(), 1);
}

/// The phone that sends a login and is gone before the answer: in a tunnel, or in the background.
#[actix_rt::test]
async fn a_login_goes_on_when_its_client_is_gone() {
    let app = TestApp::start().await;
    let server = app.serve();
    let code = app.wechat.issue_code("mei");
    app.wechat.fail_next(
        ENDPOINT,
        Fault::Delay {
            by: Duration::from_millis(500),
        },
    );
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
async fn a_broken_store_keeps_no_code_from_being_used_later() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.parts.store().close().await.unwrap();
    let refused = log_in(&app, &code, KEY).await;
    refused.assert_refused(503, "store_unavailable");
    assert!(app.wechat.requests().is_empty());
}
