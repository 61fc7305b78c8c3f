//! `server.base_path`: everything is served below a path.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::harness::{Folder, TestApp, bearer};
use crate::server::{Binary, run};

const BASE: [(&str, &str); 1] = [("WEAPP_SERVER__BASE_PATH", "/api/v1/")];

async fn status(app: &TestApp, method: Method, path: &str, token: &str) -> u16 {
    let request = TestRequest::default().method(method).uri(path);
    app.fetch(request.insert_header(bearer(token))).await.0
}

#[actix_rt::test]
async fn everything_is_below_the_base_path() {
    let app = TestApp::with(&BASE).await;
    let body = json!({ "code": app.wechat.issue_code("mei") });
    let login = TestRequest::post().uri("/api/v1/login").set_json(body);
    let token = app.call(login).await.token();
    for path in [
        "/api/v1/session",
        "/api/v1/session/",
        "/API/V1/Session?x=1",
        "/api/v1/auth",
        "/api/v1/auth/any/path",
        "/api/v1/livez",
        "/api/v1/readyz",
        "/api/v1/",
        "/api/v1/console/app.js",
    ] {
        assert_eq!(status(&app, Method::GET, path, &token).await, 200, "{path}");
    }
    for path in [
        "/session",
        "/livez",
        "/",
        "/api/v1",
        "/console/app.js",
        "/api/v1session",
        "/api/session",
        "/other/v1/session",
        "/api/v1/api/v1/session",
    ] {
        assert_eq!(status(&app, Method::GET, path, &token).await, 404, "{path}");
    }
    assert_eq!(
        status(&app, Method::PUT, "/api/v1/session", &token).await,
        405
    );
}

#[test]
fn the_documentation_the_metrics_and_the_healthcheck_are_below_the_base_path() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &BASE);
    let banner = server.wait_for("try: ");
    let login = format!("http://127.0.0.1:{}/api/v1/login", server.port);
    assert!(banner.contains(&login), "{banner}");
    let (status, page) = server.get("/api/v1/docs", "");
    assert_eq!(status, 200);
    assert!(page.contains("\"/api/v1/docs/start.js"), "{page}");
    assert!(!page.contains("\"/docs"), "{page}");
    let (status, start) = server.get("/api/v1/docs/start.js", "");
    assert_eq!(status, 200);
    assert!(start.contains("'/api/v1/openapi.json'"), "{start}");
    let (status, document) = server.get("/api/v1/openapi.json", "");
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["servers"], json!([{ "url": "/api/v1" }]));
    assert!(!document["paths"]["/login"].is_null());
    let (status, metrics) = server.get("/api/v1/metrics", "");
    assert_eq!(status, 200);
    assert!(metrics.contains("route=\"/docs\""), "{metrics}");
    assert_eq!(server.get("/metrics", "").0, 404);
    let port = server.port.to_string();
    let environment = [BASE[0], ("WEAPP_SERVER__PORT", &*port)];
    assert!(
        run(&folder, &environment, &["healthcheck"])
            .status
            .success()
    );
    let without = [("WEAPP_SERVER__PORT", &*port)];
    assert!(!run(&folder, &without, &["healthcheck"]).status.success());
    let output = server.stop();
    assert!(output.contains("GET /api/v1/docs "), "{output}");
    assert!(!output.contains("GET /api/v1/livez"), "log.skip: {output}");
}
