//! Requests of web pages of other origins (CORS).

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;

use crate::harness::{Reply, TestApp, bearer};

const PAGE: &str = "https://h5.example.com";
const OTHER: &str = "https://evil.example.com";

async fn app() -> TestApp {
    TestApp::with(&[(
        "WEAPP_SERVER__CORS_ORIGINS",
        "https://h5.example.com,http://localhost:5173",
    )])
    .await
}

fn preflight(path: &str, origin: &str) -> TestRequest {
    TestRequest::default()
        .method(Method::OPTIONS)
        .uri(path)
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", "PUT"))
        .insert_header((
            "access-control-request-headers",
            "authorization,content-type",
        ))
}

fn allowed(reply: &Reply) -> Option<&str> {
    assert_ne!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    reply.header("access-control-allow-origin")
}

#[actix_rt::test]
async fn a_preflight_passes_the_guards() {
    let app = app().await;
    for path in ["/user", "/login", "/auth", "/introspect", "/no-such-path"] {
        for origin in [PAGE, "http://localhost:5173"] {
            let reply = app.call(preflight(path, origin)).await;
            assert_eq!(
                (reply.status.as_u16(), allowed(&reply)),
                (200, Some(origin))
            );
            assert_eq!(
                reply.header("access-control-allow-headers"),
                Some("authorization,content-type")
            );
            let methods = reply.header("access-control-allow-methods").unwrap();
            assert!(methods.contains("PUT"), "{methods}");
        }
    }
}

#[actix_rt::test]
async fn every_response_to_a_listed_page_has_the_headers() {
    let app = app().await;
    let token = app.token_of("mei").await;
    let user = TestRequest::get().uri("/user");
    for (request, status) in [
        (user.insert_header(bearer(&token)), 200),
        (TestRequest::get().uri("/user"), 401),
        (TestRequest::get().uri("/no-such-path"), 404),
        (TestRequest::post().uri("/user"), 405),
        (TestRequest::post().uri("/login").set_json(json!({})), 400),
    ] {
        let reply = app.call(request.insert_header(("origin", PAGE))).await;
        assert_eq!(
            (reply.status.as_u16(), allowed(&reply)),
            (status, Some(PAGE))
        );
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"));
        assert!(reply.header("vary").unwrap().contains("Origin"));
    }
}

#[actix_rt::test]
async fn no_other_page_gets_permission() {
    let app = app().await;
    for origin in [
        OTHER,
        "null",
        "*",
        "http://h5.example.com",
        "https://h5.example.com:8443",
        "https://h5.example.com.evil.example.com",
        "https://H5.example.com",
    ] {
        let reply = app.call(preflight("/user", origin)).await;
        assert_eq!(
            (reply.status.as_u16(), allowed(&reply)),
            (400, None),
            "{origin}"
        );
        let login = TestRequest::post()
            .uri("/login")
            .insert_header(("origin", origin))
            .set_json(json!({}));
        let reply = app.call(login).await;
        assert!(
            reply.status.is_client_error() && allowed(&reply).is_none(),
            "{origin}"
        );
    }
}

#[actix_rt::test]
async fn without_the_setting_no_page_gets_permission() {
    let app = TestApp::serving(&["shop"]).await;
    let reply = app.call(preflight("/user", PAGE)).await;
    assert_eq!((reply.status.as_u16(), allowed(&reply)), (204, None));
    let user = TestRequest::get()
        .uri("/user")
        .insert_header(("origin", PAGE));
    assert_eq!(allowed(&app.call(user).await), None);
}
