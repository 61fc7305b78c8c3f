//! While WeChat is simulated, the server takes no requests from web pages of other sites.

use actix_web::test::TestRequest;
use serde_json::json;

use crate::harness::{TestApp, with_headers};

const FOREIGN: [&[(&str, &str)]; 4] = [
    &[("host", "evil.example")],
    &[("host", "localhost"), ("origin", "https://evil.example")],
    &[("host", "localhost"), ("origin", "null")],
    &[("host", "localhost"), ("sec-fetch-site", "cross-site")],
];

fn request(path: &str, headers: &[(&str, &str)]) -> TestRequest {
    let request = TestRequest::post()
        .uri(path)
        .set_json(json!({"code": "the code is a mock one"}));
    with_headers(request, headers)
}

#[actix_web::test]
async fn a_foreign_page_gets_403_at_every_path_while_wechat_is_simulated() {
    let app = TestApp::start().await;
    for headers in FOREIGN {
        for path in ["/login", "/session", "/healthz", "/no-such-path"] {
            let reply = app.call(request(path, headers)).await;
            assert_eq!(reply.status, 403, "{path} {headers:?}");
            assert_eq!(reply.json()["error"], "foreign_request");
        }
    }
    assert_eq!(app.rows_in("session"), 0);
    for headers in [
        &[
            ("host", "localhost:3000"),
            ("origin", "http://localhost:5173"),
        ][..],
        &[("host", "192.168.1.5:3000")],
        &[],
    ] {
        let reply = app.call(request("/login", headers)).await;
        assert_eq!(reply.status, 200, "{headers:?}");
    }
}

#[actix_web::test]
async fn host_names_can_be_allowed() {
    let app = TestApp::with(&[("WEAPP_SERVER__ALLOWED_HOSTS", "demo.example.com")]).await;
    let tunnel = [("host", "demo.example.com")];
    assert_eq!(app.call(request("/login", &tunnel)).await.status, 200);
    let foreign = [("host", "evil.example")];
    assert_eq!(app.call(request("/login", &foreign)).await.status, 403);
}

/// In production the host name and pages of any site are a matter of the gateway.
#[actix_web::test]
async fn with_a_configured_app_every_host_is_served() {
    let app = TestApp::serving(&["main"]).await;
    let body = json!({"code": app.wechat.issue_code("mei")});
    for headers in FOREIGN {
        let request = TestRequest::post().uri("/login").set_json(&body);
        let reply = app.call(with_headers(request, headers)).await;
        assert_ne!(reply.status, 403);
    }
}
