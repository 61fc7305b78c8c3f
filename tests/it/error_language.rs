//! The language of error messages, by `Accept-Language`.

use actix_web::http::StatusCode;
use actix_web::test::{self, TestRequest};
use actix_web::web;
use serde_json::{Value, json};
use weapp_login::app_with;
use weapp_login::error::{ApiError, ErrorDefinition};
use weapp_login::routes::{Guard, Row};

use crate::harness::{Reply, TestApp};

/// Reads the session without a token.
async fn rejected(app: &TestApp, accept_language: Option<&str>) -> Reply {
    let request = TestRequest::get().uri("/session");
    let request = match accept_language {
        Some(languages) => request.insert_header(("accept-language", languages)),
        None => request,
    };
    app.call(request).await
}

#[actix_rt::test]
async fn an_error_message_has_the_language_that_the_client_prefers() {
    let app = TestApp::start().await;
    let english = "There is no live session: ";
    let chinese = "没有有效的登录态：";
    for (languages, tag, start) in [
        (None, "en", english),
        (Some("fr"), "en", english),
        (Some("en, zh;q=0.5"), "en", english),
        (Some("zh"), "zh-CN", chinese),
        (Some("zh-CN,zh;q=0.9,en;q=0.8"), "zh-CN", chinese),
    ] {
        let reply = rejected(&app, languages).await;
        assert_eq!(reply.header("content-language"), Some(tag), "{languages:?}");
        assert_eq!(reply.header("vary"), Some("accept-language"));
        let body = reply.json();
        assert_eq!(
            (&body["code"], &body["error"]),
            (&json!(401), &json!("session_required"))
        );
        let message = body["message"].as_str().unwrap();
        assert!(message.starts_with(start), "{languages:?}: {message}");
    }
}

#[actix_rt::test]
async fn the_error_of_a_phone_number_has_the_language_of_the_request() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    let request = TestRequest::post()
        .uri("/login")
        .insert_header(("accept-language", "zh"))
        .set_json(json!({ "code": code, "phone_code": "undefined" }));
    let reply = app.call(request).await;
    assert_eq!(reply.header("content-language"), None);
    let message = reply.json()["data"]["phone_error"]["message"].clone();
    assert!(
        message.as_str().unwrap().starts_with("这不可能是 code："),
        "{message}"
    );
}

#[actix_rt::test]
async fn an_error_of_your_own_has_one_language_or_both() {
    const SOLD_OUT: ErrorDefinition =
        ErrorDefinition::new(StatusCode::CONFLICT, "sold_out", "No ticket is left.");
    const CLOSED: ErrorDefinition =
        ErrorDefinition::new(StatusCode::CONFLICT, "closed", "We are closed.")
            .in_chinese("已打烊。");
    let app = TestApp::start().await;
    let handler = |error: ErrorDefinition| {
        web::to(move || async move { Err::<&str, _>(ApiError::from(error)) })
    };
    let rows = vec![
        Row::get("/tickets", Guard::Open, handler(SOLD_OUT)),
        Row::get("/bar", Guard::Open, handler(CLOSED)),
    ];
    let service = test::init_service(app_with(&app.parts, rows)).await;
    for (path, tag, message) in [
        ("/tickets", "en", "No ticket is left."),
        ("/bar", "zh-CN", "已打烊。"),
    ] {
        let request = TestRequest::get()
            .uri(path)
            .insert_header(("accept-language", "zh"));
        let reply = test::call_service(&service, request.to_request()).await;
        assert_eq!(reply.headers().get("content-language").unwrap(), tag);
        let body: Value = test::read_body_json(reply).await;
        assert_eq!(body["message"], message);
    }
}

#[actix_rt::test]
async fn the_vary_header_of_cors_stays() {
    let origin = "https://h5.example.com";
    let app = TestApp::with(&[("WEAPP_SERVER__CORS_ORIGINS", origin)]).await;
    let request = TestRequest::get()
        .uri("/session")
        .insert_header(("origin", origin));
    let reply = app.call(request).await;
    let vary: Vec<_> = reply
        .headers
        .get_all("vary")
        .map(|value| value.to_str().unwrap())
        .collect();
    assert!(vary.contains(&"accept-language"), "{vary:?}");
    assert!(
        vary.iter()
            .any(|value| value.to_ascii_lowercase().contains("origin")),
        "{vary:?}"
    );
}
