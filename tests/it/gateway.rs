//! `GET /auth` for gateways and `POST /introspect` for other services.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::harness::{Reply, TestApp, bearer, now};

const OLD_KEY: &str = "an-old.key_of~32-letters-01234567";
const NEW_KEY: &str = "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7";

async fn with_keys() -> TestApp {
    let keys = format!("{OLD_KEY},{NEW_KEY}");
    TestApp::with(&[("WEAPP_GATEWAY__SERVICE_KEYS", &keys)]).await
}

async fn with_openid() -> TestApp {
    TestApp::with(&[
        ("WEAPP_GATEWAY__SERVICE_KEYS", NEW_KEY),
        ("WEAPP_GATEWAY__DISCLOSE_OPENID", "true"),
    ])
    .await
}

/// Introspects a token as a service with this Authorization header.
async fn ask(app: &TestApp, authorization: &str, form: &str) -> Reply {
    let request = TestRequest::post()
        .uri("/introspect")
        .insert_header(("authorization", authorization))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(form.to_owned());
    app.call(request).await
}

async fn introspect(app: &TestApp, token: &str) -> Reply {
    ask(app, &format!("Bearer {NEW_KEY}"), &format!("token={token}")).await
}

#[actix_rt::test]
async fn a_gateway_receives_the_user_and_the_app() {
    let app = TestApp::start().await;
    let login = app.login(&app.wechat.issue_code("mei")).await;
    for method in [Method::GET, Method::HEAD] {
        let reply = app.ask(method, "/auth", &login.token()).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-user-id"), Some(&*login.user_id()));
        assert_eq!(reply.header("x-app"), Some(app.wechat.app_id()));
        assert_eq!(reply.header("x-openid"), None);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    let reply = app.ask(Method::GET, "/auth", &login.token()).await;
    reply.assert_data(json!({}));
}

/// Envoy's `ext_authz` sends the method and the path of the original request after a prefix.
#[actix_rt::test]
async fn any_method_and_path_below_auth_is_the_same() {
    let app = TestApp::start().await;
    let login = app.login(&app.wechat.issue_code("mei")).await;
    for path in [
        "/auth/",
        "/auth/notes",
        "/auth/notes/1?page=2",
        "/auth//",
        "/AUTH/login",
        "/auth/../session",
        "/auth/auth/%2e%2e/x",
    ] {
        for method in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE",
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = app.ask(method.clone(), path, &login.token()).await;
            assert_eq!(reply.status, 200, "{method} {path}");
            assert_eq!(reply.header("x-user-id"), Some(&*login.user_id()));
            let reply = app.ask(method.clone(), path, "").await;
            assert_eq!(reply.status, 401, "{method} {path}");
            assert_eq!(reply.header("x-user-id"), None);
        }
    }
    let reply = app.ask(Method::POST, "/auth", &login.token()).await;
    reply.assert_error(405, "method_not_allowed");
    let reply = app.ask(Method::GET, "/authx", &login.token()).await;
    reply.assert_error(404, "not_found");
    let live = app.live(&login.token()).await;
    assert!(live.is_some(), "DELETE /auth/session does not log out");
}

#[actix_rt::test]
async fn a_gateway_receives_the_openid_if_the_settings_disclose_it() {
    let app = with_openid().await;
    let token = app.token_of("mei").await;
    let reply = app.ask(Method::GET, "/auth", &token).await;
    assert_eq!(reply.header("x-openid"), Some(&*app.wechat.openid("mei")));
}

#[actix_rt::test]
async fn identity_headers_of_a_client_are_ignored() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let forged = TestRequest::get()
        .uri("/auth")
        .insert_header(bearer(&token))
        .insert_header(("x-user-id", "forged"))
        .insert_header(("x-openid", "forged"));
    let reply = app.call(forged).await;
    assert_ne!(reply.header("x-user-id"), Some("forged"));
    assert_eq!(reply.header("x-openid"), None);
}

#[actix_rt::test]
async fn introspection_takes_a_form_or_json() {
    let app = with_keys().await;
    let token = app.token_of("mei").await;
    let ask = async |content_type: &'static str, body: String| {
        let request = TestRequest::post()
            .uri("/introspect")
            .insert_header(bearer(NEW_KEY))
            .insert_header(("content-type", content_type))
            .set_payload(body);
        app.call(request).await
    };
    let (form, json) = (format!("token={token}"), json!({ "token": token }));
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", form.clone()),
        ("application/json", json.to_string()),
        ("application/json; charset=utf-8", json.to_string()),
    ] {
        let reply = ask(content_type, body).await;
        assert_eq!(reply.json()["active"], json!(true), "{}", reply.text);
    }
    for (content_type, body) in [
        ("text/plain", form),
        ("application/json", "{}".to_owned()),
        ("application/json", json!({ "token": 7 }).to_string()),
        ("application/json", "[]".to_owned()),
    ] {
        let reply = ask(content_type, body).await;
        let message = reply.assert_error(400, "token_missing")["message"].clone();
        assert_eq!(
            message,
            "The token is missing: send token=… as application/x-www-form-urlencoded, or {\"token\": …} as application/json."
        );
    }
}

#[actix_rt::test]
async fn a_request_without_a_valid_token_is_rejected() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.end_session(&token).await.assert_data(json!({}));
    for request in [
        TestRequest::get(),
        TestRequest::get().insert_header(("authorization", "Bearer x")),
        TestRequest::get().insert_header(bearer(&token)),
    ] {
        let reply = app.call(request.uri("/auth")).await;
        reply.assert_error(401, "session_required");
        assert_eq!(reply.header("x-user-id"), None);
    }
}

#[actix_rt::test]
async fn a_store_failure_is_neither_a_401_nor_an_inactive_token() {
    let app = with_keys().await;
    let token = app.token_of("mei").await;
    app.parts.store().close().await.unwrap();
    let reply = app.ask(Method::GET, "/auth", &token).await;
    reply.assert_error(503, "store_unavailable");
    let reply = introspect(&app, &token).await;
    reply.assert_error(503, "store_unavailable");
}

#[actix_rt::test]
async fn a_service_receives_the_user_of_a_live_token() {
    let app = with_keys().await;
    let login = app.login(&app.wechat.issue_code("mei")).await;
    let reply = introspect(&app, &login.token()).await;
    let live = app.live(&login.token()).await.unwrap();
    let session = live.session();
    let expected = json!({
        "active": true,
        "sub": login.user_id(),
        "client_id": app.wechat.app_id(),
        "token_type": "Bearer",
        "iat": session.created_at.as_second(),
        "exp": (session.last_seen + jiff::SignedDuration::from_hours(72)).as_second(),
    });
    assert_eq!((reply.status.as_u16(), reply.json()), (200, expected));
}

#[actix_rt::test]
async fn a_service_receives_the_openid_if_the_settings_disclose_it() {
    let app = with_openid().await;
    let token = app.token_of("mei").await;
    let reply = introspect(&app, &token).await;
    assert_eq!(reply.json()["openid"], app.wechat.openid("mei"));
}

#[actix_rt::test]
async fn any_other_token_is_inactive() {
    let app = with_keys().await;
    let ended = app.token_of("mei").await;
    app.end_session(&ended).await.assert_data(json!({}));
    let unknown = weapp_login::session::Token::generate().unwrap().expose();
    for token in [ended.as_str(), &unknown, "x", "%00", NEW_KEY] {
        let reply = introspect(&app, token).await;
        assert_eq!(
            (reply.status.as_u16(), &*reply.text),
            (200, r#"{"active":false}"#),
            "{token}"
        );
    }
}

#[actix_rt::test]
async fn each_service_key_works_as_bearer_token_and_as_password() {
    let app = with_keys().await;
    let token = app.token_of("mei").await;
    let form = format!("token={token}&token_type_hint=access_token");
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    for key in [OLD_KEY, NEW_KEY] {
        for shown in [
            format!("Bearer {key}"),
            format!("bearer  {key}"),
            basic(&format!("php:{key}")),
        ] {
            let reply = ask(&app, &shown, &form).await;
            assert_eq!(reply.json()["active"], true, "{shown}");
        }
    }
    let longer = format!("Bearer {NEW_KEY}0");
    for shown in [
        "",
        "Bearer",
        "Bearer x",
        &longer,
        &format!("Bearer {token}"),
        &format!("Digest {NEW_KEY}"),
        &basic(NEW_KEY),
        &basic(&format!("{NEW_KEY}:x")),
        "Basic é",
    ] {
        let reply = ask(&app, shown, &form).await;
        reply.assert_error(401, "service_key_required");
    }
}

#[actix_rt::test]
async fn without_service_keys_introspection_is_off() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let reply = introspect(&app, &token).await;
    reply.assert_error(403, "introspection_off");
    let nothing = ask(&app, "Bearer ", "token=x").await;
    nothing.assert_error(403, "introspection_off");
}

#[actix_rt::test]
async fn a_malformed_introspection_is_rejected() {
    let app = with_keys().await;
    let key = format!("Bearer {NEW_KEY}");
    for form in ["", "token=", "access_token=x"] {
        let reply = ask(&app, &key, form).await;
        reply.assert_error(400, "token_missing");
    }
    let twice = ask(&app, &key, "token=a&token=b").await;
    twice.assert_error(400, "token_missing");
    let long = format!("token={}", "x".repeat(40_000));
    let reply = ask(&app, &key, &long).await;
    reply.assert_error(413, "body_too_large");
}

/// Otherwise the session would expire while its user is active at the service.
#[actix_rt::test]
async fn introspection_counts_as_a_use_of_the_session() {
    const TWO_HOURS: i64 = 2 * 60 * 60 * 1000;
    let app = with_keys().await;
    let token = app.token_of("mei").await;
    let hour = jiff::SignedDuration::from_hours(1);
    for is_introspection in [false, true] {
        app.set_idle(TWO_HOURS);
        assert!(now().duration_since(app.last_use()) > hour);
        let reply = if is_introspection {
            introspect(&app, &token).await
        } else {
            app.ask(Method::GET, "/auth", &token).await
        };
        assert_eq!(reply.status, 200);
        app.wait_for_use_since(now() - hour).await;
    }
}
