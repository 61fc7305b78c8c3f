//! `GET /sessions`, `DELETE /sessions/{id}` and `DELETE /sessions`.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::harness::TestApp;

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Mobile/15E148 MicroMessenger/8.0.50(0x18003231) NetType/WIFI Language/zh_CN";
const DEVTOOLS: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3_1 like Mac OS X) Safari/602.1 \
                        wechatdevtools/1.06.2209190 MicroMessenger/8.0.5 Language/zh_CN webview/";

async fn log_in_on(app: &TestApp, user: &str, agent: &str) -> String {
    let code = app.wechat.issue_code(user);
    app.login_with(&code, &[("user-agent", agent)])
        .await
        .token()
}

async fn sessions(app: &TestApp, token: &str) -> Vec<Value> {
    let reply = app.ask(Method::GET, "/sessions", token).await.json();
    reply["data"]["sessions"].as_array().unwrap().clone()
}

/// Returns the id of the token's session.
async fn id_of(app: &TestApp, token: &str) -> String {
    let sessions = sessions(app, token).await;
    let current = sessions.iter().find(|session| session["current"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Returns the digest that the store holds of this token, as text.
async fn digest_of(app: &TestApp, token: &str) -> String {
    let digest = app.live(token).await.unwrap().session().digest.0;
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

async fn alive(app: &TestApp, tokens: [&str; 3]) -> [bool; 3] {
    let mut alive = [false; 3];
    for (alive, token) in alive.iter_mut().zip(tokens) {
        *alive = app.live(token).await.is_some();
    }
    alive
}

#[actix_rt::test]
async fn a_user_sees_their_sessions() {
    let app = TestApp::start().await;
    let phone = log_in_on(&app, "mei", IPHONE).await;
    let tools = log_in_on(&app, "mei", DEVTOOLS).await;
    let plain = app.token_of("mei").await;
    app.token_of("bo").await;
    let mut expected = Vec::new();
    for (token, device) in [
        (&plain, "unknown device"),
        (&tools, "DevTools"),
        (&phone, "iPhone · WeChat 8.0.50 · iOS 17.1"),
    ] {
        let live = app.live(token).await.unwrap();
        let session = live.session();
        expected.push(json!({
            "id": session.id.to_string(),
            "current": token == &tools,
            "device": device,
            "created_at": format!("{:.3}", session.created_at),
            "last_seen": format!("{:.3}", session.last_seen),
            "ends_at": format!("{:.3}", session.last_seen + jiff::SignedDuration::from_hours(72)),
        }));
    }
    let reply = app.ask(Method::GET, "/sessions", &tools).await;
    reply.assert_data(json!({ "sessions": expected }));
}

#[actix_rt::test]
async fn a_session_id_is_independent_of_the_token() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let id = id_of(&app, &token).await;
    let digest = digest_of(&app, &token).await;
    assert_eq!(id.len(), 32);
    assert!(!digest.contains(&id) && !token.contains(&id));
    app.show_session(&id)
        .await
        .assert_error(401, "session_required");
}

#[actix_rt::test]
async fn a_user_revokes_one_of_their_own_sessions_only() {
    let app = TestApp::start().await;
    let (phone, tablet) = (app.token_of("mei").await, app.token_of("mei").await);
    let other = app.token_of("bo").await;
    let (id, others) = (id_of(&app, &phone).await, id_of(&app, &other).await);
    let digest = digest_of(&app, &phone).await;
    for nothing in [
        &others,
        &id.to_uppercase(),
        &digest,
        &phone,
        "x",
        "..",
        "%00",
    ] {
        let path = format!("/sessions/{nothing}");
        let rejected = app.ask(Method::DELETE, &path, &tablet).await;
        rejected.assert_error(404, "not_found");
    }
    let tokens = [&*phone, &*tablet, &*other];
    assert_eq!(alive(&app, tokens).await, [true; 3]);

    let path = format!("/sessions/{id}");
    let ended = app.ask(Method::DELETE, &path, &tablet).await;
    ended.assert_data(json!({}));
    assert_eq!(alive(&app, tokens).await, [false, true, true]);
    let again = app.ask(Method::DELETE, &path, &tablet).await;
    again.assert_error(404, "not_found");

    let own = format!("/Sessions/{}/", id_of(&app, &tablet).await);
    app.ask(Method::DELETE, &own, &tablet)
        .await
        .assert_data(json!({}));
    assert_eq!(alive(&app, tokens).await, [false, false, true]);
}

#[actix_rt::test]
async fn a_user_revokes_the_other_sessions_or_all() {
    let app = TestApp::start().await;
    let (phone, tablet) = (app.token_of("mei").await, app.token_of("mei").await);
    let other = app.token_of("bo").await;
    let tokens = [&*phone, &*tablet, &*other];
    for query in ["?all=false", "?all=0", "?x=1&all=no"] {
        let path = format!("/sessions{query}");
        let rejected = app.ask(Method::DELETE, &path, &tablet).await;
        rejected.assert_error(400, "bad_request");
    }
    assert_eq!(alive(&app, tokens).await, [true; 3]);
    for path in ["/sessions", "/sessions?small"] {
        let ended = app.ask(Method::DELETE, path, &tablet).await;
        ended.assert_data(json!({}));
        assert_eq!(alive(&app, tokens).await, [false, true, true]);
    }
    for path in ["/sessions?all", "/sessions?x&all=", "/sessions?all=true"] {
        let token = app.token_of("mei").await;
        app.ask(Method::DELETE, path, &token)
            .await
            .assert_data(json!({}));
        assert_eq!(
            alive(&app, [&token, &tablet, &other]).await,
            [false, false, true]
        );
    }
}

#[actix_rt::test]
async fn an_expired_session_is_not_listed() {
    let app = TestApp::with(&[
        ("WEAPP_SESSION__IDLE_SECONDS", "2"),
        ("WEAPP_SESSION__TOUCH_SECONDS", "1"),
    ])
    .await;
    let old = app.token_of("mei").await;
    let id = id_of(&app, &old).await;
    actix_rt::time::sleep(std::time::Duration::from_millis(2050)).await;
    let new = app.token_of("mei").await;
    assert_eq!(sessions(&app, &new).await.len(), 1);
    let path = format!("/sessions/{id}");
    let rejected = app.ask(Method::DELETE, &path, &new).await;
    rejected.assert_error(404, "not_found");
}

#[actix_rt::test]
async fn a_store_failure_is_reported() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.parts.store().close().await.unwrap();
    for (method, path) in [
        (Method::GET, "/sessions"),
        (Method::DELETE, "/sessions"),
        (Method::DELETE, "/sessions/0123456789abcdef0123456789abcdef"),
        (Method::GET, "/user"),
    ] {
        let reply = app.ask(method, path, &token).await;
        reply.assert_error(503, "store_unavailable");
    }
}
