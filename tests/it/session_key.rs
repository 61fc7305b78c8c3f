//! `GET /session/key` and `POST /session/key/reset`.

use actix_web::http::Method;
use serde_json::json;
use wechat_simulator::{Endpoint, Fault, Payload};

use crate::decrypt::{event, mint, stale};
use crate::harness::{Reply, TestApp};

async fn check(app: &TestApp, token: &str) -> Reply {
    app.ask(Method::GET, "/session/key", token).await
}

/// Returns `valid`, the only data of the reply.
async fn is_valid(app: &TestApp, token: &str) -> bool {
    let reply = check(app, token).await;
    let valid = reply.json()["data"]["valid"] == true;
    reply.assert_data(json!({ "valid": valid }));
    valid
}

async fn reset(app: &TestApp, token: &str) -> Reply {
    app.ask(Method::POST, "/session/key/reset", token).await
}

async fn decrypts(app: &TestApp, token: &str) -> u16 {
    let minted = mint(app, "mei", &Payload::phone_number());
    let reply = app.post("/user/decrypt", token, event(&minted)).await;
    reply.status.as_u16()
}

#[actix_rt::test]
async fn a_key_is_valid_until_the_next_login() {
    let app = TestApp::start().await;
    let first = app.token_of("mei").await;
    assert!(is_valid(&app, &first).await);
    let second = app.token_of("mei").await;
    assert!(!is_valid(&app, &first).await);
    assert!(is_valid(&app, &second).await);
    assert_eq!(
        app.show_session(&first).await.status,
        200,
        "still logged in"
    );
}

#[actix_rt::test]
async fn a_reset_key_is_stored_and_decrypts_later_data() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let before = app.wechat.session_key("mei").unwrap();
    reset(&app, &token).await.assert_data(json!({}));
    let after = app.wechat.session_key("mei").unwrap();
    assert_ne!(before, after);
    let live = app.live(&token).await.unwrap();
    assert_eq!(live.session_key().unwrap().expose(), after);
    assert!(is_valid(&app, &token).await);
    assert_eq!(decrypts(&app, &token).await, 200);
    reset(&app, &token).await.assert_data(json!({}));
}

#[actix_rt::test]
async fn a_stale_key_is_not_reset() {
    let app = TestApp::start().await;
    let first = app.token_of("mei").await;
    let second = app.token_of("mei").await;
    let key = app.wechat.session_key("mei");
    reset(&app, &first).await.assert_error_body(409, stale());
    assert_eq!(app.wechat.session_key("mei"), key);
    assert!(is_valid(&app, &second).await);
    assert_eq!(
        app.show_session(&first).await.status,
        200,
        "still logged in"
    );
}

#[actix_rt::test]
async fn each_errcode_of_a_key_has_its_error() {
    for (errcode, status, error) in [
        (87007, 409, "session_key_stale"),
        (87009, 409, "session_key_stale"),
        (45011, 429, "too_many_requests"),
        (-1, 503, "platform_busy"),
        (40097, 500, "internal"),
        (87008, 500, "internal"),
    ] {
        let app = TestApp::start().await;
        let token = app.token_of("mei").await;
        app.wechat
            .fail_always(Endpoint::ResetUserSessionKey, Fault::errcode(errcode));
        let reply = reset(&app, &token).await;
        let rejected = reply.assert_error(status, error);
        assert_eq!(rejected["code"], if status == 409 { 409 } else { errcode });
        app.wechat
            .fail_always(Endpoint::CheckSessionKey, Fault::errcode(errcode));
        let reply = check(&app, &token).await;
        if status == 409 {
            reply.assert_data(json!({ "valid": false }));
        } else {
            reply.assert_error(status, error);
        }
    }
}

#[actix_rt::test]
async fn a_rejected_access_token_is_renewed() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    assert!(is_valid(&app, &token).await);
    app.wechat.first_app().invalidate_access_tokens();
    assert!(is_valid(&app, &token).await);
    app.wechat.first_app().invalidate_access_tokens();
    reset(&app, &token).await.assert_data(json!({}));
    assert_eq!(app.requests_to(Endpoint::StableAccessToken), 3);
}

#[actix_rt::test]
async fn a_timeout_of_wechat_keeps_the_session() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.wechat
        .fail_next(Endpoint::CheckSessionKey, Fault::Silence);
    check(&app, &token)
        .await
        .assert_error(504, "platform_timed_out");
    assert_eq!(app.show_session(&token).await.status, 200);
}
