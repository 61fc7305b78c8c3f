//! Tests of the client's address and of the limits.

use actix_web::test::TestRequest;
use serde_json::json;
use wechat_simulator::{Endpoint, Fault};

use crate::harness::{Folder, Reply, TestApp, bearer};
use crate::server::Binary;

/// Returns the access log of one request with forwarded addresses.
fn access_log(trusted_proxies: &str) -> String {
    let folder = Folder::new();
    let mut server = Binary::start(
        &folder,
        &[
            ("WEAPP_LOG__FORMAT", "client :remote-addr :status"),
            ("WEAPP_SERVER__TRUSTED_PROXIES", trusted_proxies),
        ],
    );
    server.get("/nope", "x-forwarded-for: 6.6.6.6, 203.0.113.1\r\n");
    server.stop()
}

#[test]
fn the_access_log_shows_the_client_that_a_trusted_proxy_reports() {
    for (trusted, line) in [
        ("127.0.0.0/8", "client 203.0.113.1 404\n"),
        ("10.0.0.0/8", "client 127.0.0.1 404\n"),
    ] {
        let log = access_log(trusted);
        assert!(log.contains(line), "{log}");
    }
}

/// Limits that a test reaches with a few logins.
const LOW: [(&str, &str); 3] = [
    ("WEAPP_LIMITS__ADDRESS_REJECTIONS_PER_MINUTE", "1"),
    ("WEAPP_LIMITS__APP_REJECTIONS_PER_MINUTE", "2"),
    ("WEAPP_LIMITS__USER_CALLS_PER_MINUTE", "3"),
];
/// Rejected logins of an address and of a mini program at once.
const ADDRESS_BURST: usize = 10;
const APP_BURST: usize = 20;

/// Logs in from this address.
async fn log_in_from(app: &TestApp, host: u8, code: &str, token: &str) -> Reply {
    let request = TestRequest::post()
        .uri("/login")
        .peer_addr(([203, 0, 113, host], 5000).into())
        .insert_header(bearer(token))
        .set_json(json!({ "code": code }));
    app.call(request).await
}

/// Sends codes that WeChat rejects, and returns how many of them reached it.
async fn flood(app: &TestApp, host: u8, logins: usize) -> usize {
    let before = app.requests_to(Endpoint::Code2Session);
    app.wechat
        .fail_always(Endpoint::Code2Session, Fault::errcode(40029));
    for _ in 0..logins {
        log_in_from(app, host, "garbage", "").await;
    }
    app.wechat.clear_faults(Endpoint::Code2Session);
    app.requests_to(Endpoint::Code2Session) - before
}

#[actix_rt::test]
async fn a_flood_of_one_client_ends_at_its_limit_and_others_log_in() {
    let app = TestApp::with(&LOW).await;
    assert_eq!(flood(&app, 1, 30).await, ADDRESS_BURST);
    let code = app.wechat.issue_code("mei");
    let limited = log_in_from(&app, 1, &code, "").await;
    limited.assert_error(429, "rate_limited");
    let wait: u32 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    log_in_from(&app, 2, &code, "").await.token();
    let (_, metrics) = app.scrape().await;
    let count = r#"weapp_rate_limited_total{call="login",limit="address"} 21"#;
    assert!(metrics.contains(count), "{metrics}");
}

#[actix_rt::test]
async fn a_client_with_a_live_session_uses_the_reserve() {
    let app = TestApp::with(&LOW).await;
    let token = app.token_of("mei").await;
    assert_eq!(
        flood(&app, 1, 15).await + flood(&app, 2, 15).await,
        APP_BURST
    );
    let code = app.wechat.issue_code("mei");
    for (host, token) in [(1, ""), (3, ""), (3, "wxs_x"), (1, "wxs_")] {
        let limited = log_in_from(&app, host, &code, token).await;
        limited.assert_error(429, "rate_limited");
    }
    log_in_from(&app, 1, &code, &token).await.token();
}

#[actix_rt::test]
async fn successful_and_failed_logins_that_are_not_the_fault_of_the_client_do_not_count() {
    let app = TestApp::with(&LOW).await;
    for login in 0..3 * ADDRESS_BURST {
        if login % 2 == 0 {
            app.wechat
                .fail_next(Endpoint::Code2Session, Fault::errcode(45011));
        }
        let code = app.wechat.issue_code("mei");
        let status = log_in_from(&app, 1, &code, "").await.status;
        assert_eq!(status, if login % 2 == 0 { 429 } else { 200 });
    }
    assert_eq!(flood(&app, 1, 30).await, ADDRESS_BURST);
}

#[actix_rt::test]
async fn a_keyed_login_above_the_limit_writes_nothing() {
    let app = TestApp::with(&LOW).await;
    app.wechat
        .fail_always(Endpoint::Code2Session, Fault::errcode(40029));
    for login in 0..30 {
        let key = format!("key-{login}");
        let request = TestRequest::post()
            .uri("/login")
            .peer_addr(([203, 0, 113, 1], 5000).into())
            .insert_header(("idempotency-key", key))
            .set_json(json!({ "code": "garbage" }));
        app.call(request).await;
    }
    assert_eq!(app.requests_to(Endpoint::Code2Session), ADDRESS_BURST);
    assert_eq!(app.rows_in("ledger"), 0);
}

#[actix_rt::test]
async fn the_calls_of_one_user_are_limited() {
    let app = TestApp::with(&LOW).await;
    let (mei, li) = (app.token_of("mei").await, app.token_of("li").await);
    let ask = async |token: &str, request: TestRequest| {
        app.call(request.insert_header(bearer(token))).await
    };
    let phone = || {
        let body = json!({ "code": app.wechat.issue_phone_code("mei") });
        TestRequest::post().uri("/user/phone").set_json(body)
    };
    for _ in 0..2 {
        assert_eq!(ask(&mei, phone()).await.status, 200);
    }
    let key = || TestRequest::get().uri("/session/key");
    assert_eq!(ask(&mei, key()).await.status, 200);
    for request in [
        phone(),
        key(),
        TestRequest::post().uri("/session/key/reset"),
        TestRequest::delete()
            .uri("/user")
            .set_json(json!({ "code": "0a" })),
    ] {
        ask(&mei, request).await.assert_error(429, "rate_limited");
    }
    assert_eq!(app.requests_to(Endpoint::PhoneNumber), 2);
    assert_eq!(ask(&li, key()).await.status, 200);
}

#[actix_rt::test]
async fn a_text_that_cannot_be_a_code_is_not_sent() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let sent = app.wechat.requests().len();
    for code in [
        "051bIzT629FmMN0zraV6 WLnT62bIzTA",
        "é",
        "' or 1=1",
        "a\nb",
        &"x".repeat(129),
    ] {
        app.login(code).await.assert_error(400, "code_malformed");
        let keyed = app.login_with(code, &[("idempotency-key", "key")]).await;
        keyed.assert_error(400, "code_malformed");
        for request in [
            TestRequest::post().uri("/user/phone"),
            TestRequest::delete().uri("/user"),
        ] {
            let reply = app.send(request, &token, json!({ "code": code })).await;
            reply.assert_error(400, "code_malformed");
        }
    }
    assert_eq!(app.wechat.requests().len(), sent);
    assert_eq!(app.rows_in("ledger"), 0);
}
