//! The route table: guards, unknown paths and methods, and panics in handlers.

use actix_web::http::Method;
use actix_web::test::{self, TestRequest};
use actix_web::{HttpResponse, web};
use weapp_login::middleware::panics;
use weapp_login::{app, routes};

use crate::harness::TestApp;

/// The routes that need no token.
const OPEN: [(&str, &str); 7] = [
    ("POST", "/login"), // returns the token
    ("GET", "/login/oauth/url"),
    ("POST", "/login/oauth"),   // returns the token
    ("GET", "/avatars/{name}"), // an `<image>` sends no token
    ("POST", "/introspect"),    // requires a service key
    ("GET", "/livez"),          // health checks have no token
    ("GET", "/readyz"),
];

#[actix_rt::test]
async fn all_other_routes_require_a_token() {
    let app = TestApp::start().await;
    let mut open = Vec::new();
    for row in routes::table() {
        let request = TestRequest::default()
            .method(row.method.clone())
            .uri(row.path);
        let reply = app.call(request).await;
        if reply.status == 401 {
            reply.assert_error(401, "session_required");
        } else {
            open.push((row.method.to_string(), row.path));
        }
    }
    let named: Vec<_> = OPEN.map(|(method, path)| (method.to_owned(), path)).into();
    assert_eq!(open, named);
}

#[actix_rt::test]
async fn another_method_gets_the_allowed_methods() {
    let app = TestApp::start().await;
    for (path, allow) in [
        ("/login", "POST"),
        ("/session", "GET, HEAD, DELETE"),
        ("/livez", "GET, HEAD"),
    ] {
        for method in [Method::PUT, Method::PATCH, Method::TRACE] {
            let reply = app
                .call(TestRequest::default().method(method).uri(path))
                .await;
            reply.assert_error(405, "method_not_allowed");
            assert_eq!(reply.header("allow"), Some(allow));
        }
        let options = app
            .call(TestRequest::default().method(Method::OPTIONS).uri(path))
            .await;
        assert_eq!(
            (options.status.as_u16(), options.header("allow")),
            (204, Some(allow))
        );
    }
}

#[actix_rt::test]
async fn head_works_where_get_does() {
    let app = TestApp::start().await;
    let head = TestRequest::default().method(Method::HEAD).uri("/livez");
    assert_eq!(app.call(head).await.status, 200);
}

#[actix_rt::test]
async fn an_unknown_path_is_not_found_in_json() {
    let app = TestApp::start().await;
    for path in [
        "/index.html",
        "/nope",
        "/login/x",
        "//login",
        "/login//",
        "/%3Cscript%3E",
        "/livez.json",
    ] {
        app.call(TestRequest::get().uri(path))
            .await
            .assert_error(404, "not_found");
    }
}

#[actix_rt::test]
async fn the_request_id_of_a_proxy_is_kept() {
    let app = TestApp::start().await;
    let request = TestRequest::get()
        .uri("/nope")
        .insert_header(("x-request-id", "proxy-7"));
    let rejected = app.call(request).await.assert_error(404, "not_found");
    assert_eq!(rejected["request_id"], "proxy-7");
}

async fn panics_now() -> HttpResponse {
    panic!("a secret in a panic")
}

async fn foreign_error() -> Result<HttpResponse, actix_web::Error> {
    Err(actix_web::error::ErrorConflict("a secret in an error"))
}

#[actix_rt::test]
async fn a_panic_becomes_an_error_response() {
    let rig = TestApp::start().await;
    let resource = web::resource("/panic")
        .wrap_fn(panics::catch)
        .to(panics_now);
    let service = test::init_service(app(&rig.parts).service(resource)).await;
    for _ in 0..3 {
        let reply =
            test::call_service(&service, TestRequest::get().uri("/panic").to_request()).await;
        assert_eq!(reply.status(), 500);
        let body: serde_json::Value = test::read_body_json(reply).await;
        assert_eq!(
            (&body["code"], &body["error"]),
            (&500.into(), &"internal".into())
        );
        assert!(!body.to_string().contains("secret"), "{body}");
    }
    let alive = test::call_service(&service, TestRequest::get().uri("/livez").to_request()).await;
    assert_eq!(alive.status(), 200);
}

#[actix_rt::test]
async fn a_foreign_error_keeps_its_status_and_gets_our_shape() {
    let rig = TestApp::start().await;
    let service =
        test::init_service(app(&rig.parts).route("/foreign", web::get().to(foreign_error))).await;
    let reply = test::call_service(&service, TestRequest::get().uri("/foreign").to_request()).await;
    assert_eq!(reply.status(), 409);
    let body: serde_json::Value = test::read_body_json(reply).await;
    assert_eq!(
        (&body["code"], &body["error"]),
        (&409.into(), &"bad_request".into())
    );
    assert!(!body.to_string().contains("secret"), "{body}");
}
