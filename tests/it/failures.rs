//! What WeChat can do to a login, and what the mini program then sees.

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use serde_json::json;
use weapp_login::simulator::{Endpoint, Fault};

use crate::harness::{Reply, TestApp};

const ENDPOINT: Endpoint = Endpoint::Code2Session;

/// Logs in while WeChat answers with these faults, one after the other.
async fn login_with(faults: Vec<Fault>) -> (Reply, usize) {
    let app = TestApp::start().await;
    for fault in faults {
        app.wechat.next_answer(ENDPOINT, fault);
    }
    let reply = app.login(&app.wechat.issue_code("mei")).await;
    (reply, app.wechat.asked().len())
}

async fn check_errcode(errcode: i64, status: u16, error: &str) {
    let app = TestApp::start().await;
    app.wechat.every_answer(ENDPOINT, Fault::errcode(errcode));
    let reply = app.login(&app.wechat.issue_code("mei")).await;
    let refused = reply.assert_refused(status, error);
    assert_eq!(
        (&refused["code"], &refused["wechat"]["errcode"]),
        (&json!(errcode), &json!(errcode))
    );
    assert_eq!(
        reply.header("retry-after").is_some(),
        [429, 503].contains(&status),
        "{errcode}"
    );
    let names_it = |text: &str| reply.text.contains(text);
    assert!(
        !names_it(app.wechat.app_id()) && !names_it(app.wechat.app_secret()),
        "{}",
        reply.text
    );
}

#[actix_rt::test]
async fn every_errcode_becomes_its_row() {
    for (errcode, status, error) in [
        (40029, 401, "login_code_invalid"),
        (42003, 401, "login_code_invalid"),
        (40163, 401, "login_code_used"),
        (40226, 403, "user_blocked"),
        (45011, 429, "too_many_requests"),
        (45009, 503, "wechat_busy"),
        (-1, 503, "wechat_busy"),
        (40013, 503, "wechat_misconfigured"),
        (40125, 503, "wechat_misconfigured"),
        (40164, 503, "wechat_misconfigured"),
        (40243, 503, "wechat_misconfigured"),
        (50007, 503, "wechat_misconfigured"),
        (89503, 503, "wechat_misconfigured"),
        (40002, 500, "internal"),
        (41008, 500, "internal"),
        (43002, 500, "internal"),
        (47001, 500, "internal"),
        (87009, 502, "wechat_unintelligible"),
        (99999, 502, "wechat_unintelligible"),
    ] {
        check_errcode(errcode, status, error).await;
    }
}

#[actix_rt::test]
async fn a_minutes_quota_says_how_long_to_wait() {
    let (reply, _) = login_with(vec![Fault::errcode(45011)]).await;
    assert_eq!(reply.header("retry-after"), Some("60"));
}

#[actix_rt::test]
async fn a_busy_wechat_is_asked_again() {
    let (reply, asked) = login_with(vec![Fault::errcode(-1), Fault::errcode(-1)]).await;
    assert_eq!((reply.status.as_u16(), asked), (200, 3));
}

fn raw(status: u16, body: impl Into<Vec<u8>>) -> Fault {
    let status = StatusCode::from_u16(status).unwrap();
    Fault::Raw {
        status,
        content_type: "text/html".to_owned(),
        body: body.into(),
    }
}

#[actix_rt::test]
async fn an_answer_that_makes_no_sense_is_told_as_such_and_not_asked_for_again() {
    for fault in [
        raw(502, "<html><body>502 Bad Gateway</body></html>"),
        raw(200, ""),
        raw(
            200,
            r#"{"openid":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","session_k"#,
        ),
        raw(200, r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ=="}"#),
        raw(200, "x".repeat(10_000_000)),
        raw(200, r#"{"errcode":"abc"}"#),
        Fault::Redirect("http://127.0.0.1:1/".to_owned()),
        Fault::ResetBefore,
        Fault::ResetAfter,
    ] {
        let (reply, asked) = login_with(vec![fault]).await;
        reply.assert_refused(502, "wechat_unintelligible");
        assert_eq!(asked, 1, "a code works once, so it is sent once");
    }
}

#[actix_rt::test]
async fn an_errcode_may_be_a_text() {
    let body = r#"{"errcode":"40029","errmsg":"invalid code, rid: 668f2aa4-51c08c03-3d141241"}"#;
    let (reply, _) = login_with(vec![raw(200, body)]).await;
    let refused = reply.assert_refused(401, "login_code_invalid");
    assert_eq!(
        refused["wechat"],
        json!({ "errcode": 40029, "rid": "668f2aa4-51c08c03-3d141241" })
    );
}

#[actix_rt::test]
async fn a_silent_wechat_is_waited_for_no_longer_than_the_settings_say() {
    let app = TestApp::with(&[("WEAPP_WECHAT__TIMEOUT_MILLISECONDS", "1000")]).await;
    app.wechat.next_answer(ENDPOINT, Fault::Silence);
    let start = Instant::now();
    app.login(&app.wechat.issue_code("mei"))
        .await
        .assert_refused(504, "wechat_timed_out");
    assert!(
        (900..2500).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
}

#[actix_rt::test]
async fn a_slow_wechat_is_waited_for() {
    let (reply, _) = login_with(vec![Fault::Delay(Duration::from_millis(300))]).await;
    assert_eq!(reply.status, 200);
}
