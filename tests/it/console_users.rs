//! The users of the console: in development on the server's port, for operators on the admin port.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};
use weapp_login::routes;

use crate::harness::{Folder, TestApp, bearer};
use crate::people::in_conflict_with;
use crate::server::{Binary, Connection, PRODUCTION, free_port};

const LOCAL: &str = "127.0.0.1:50000";
const REMOTE: &str = "172.17.0.1:50000";
const KEY: &str = "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7";

/// Sends a request of the console's page, and returns the status and the reply.
async fn ask(app: &TestApp, method: Method, path: &str, peer: &str) -> (u16, Value) {
    let request = TestRequest::default().method(method).uri(path);
    let request = request.insert_header(("x-console-key", ""));
    let (status, _, body) = app.fetch(request.peer_addr(peer.parse().unwrap())).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[actix_rt::test]
async fn in_development_the_page_lists_users_revokes_sessions_and_blocks() {
    let app = TestApp::start().await;
    let login = app.login(&app.wechat.issue_code("mei")).await;
    let (id, token) = (login.user_id(), login.token());
    let user = format!("/console/users/{id}");
    let (_, listed) = ask(&app, Method::GET, "/console/users", LOCAL).await;
    assert_eq!(listed["data"]["users"][0]["id"], id);
    let (_, shown) = ask(&app, Method::GET, &user, LOCAL).await;
    let session = shown["data"]["sessions"][0]["id"].as_str().unwrap();
    let session = format!("{user}/sessions/{session}");

    // Another machine without the key reads and changes nothing.
    for (method, path) in [
        (Method::GET, "/console/users"),
        (Method::GET, "/console/statistics"),
        (Method::DELETE, &session),
        (Method::DELETE, &user),
    ] {
        let (status, reply) = ask(&app, method, path, REMOTE).await;
        let error = (status, reply["error"].as_str());
        assert_eq!(error, (403, Some("console_key_required")), "{path}");
    }
    assert_eq!(app.show_session(&token).await.status, 200);

    assert_eq!(ask(&app, Method::DELETE, &session, LOCAL).await.0, 200);
    assert_eq!(app.show_session(&token).await.status, 401);
    let block = format!("{user}/block");
    assert_eq!(ask(&app, Method::POST, &block, LOCAL).await.0, 200);
    let rejected = app.login(&app.wechat.issue_code("mei")).await;
    rejected.assert_error(403, "user_blocked_by_admin");
    let (_, numbers) = ask(&app, Method::GET, "/console/statistics", LOCAL).await;
    assert_eq!(numbers["data"]["blocked_users"], 1);
}

#[actix_rt::test]
async fn in_development_the_page_decides_conflicts_if_apps_share_users() {
    let (app, kept, other) = in_conflict_with(&[("WEAPP_CONSOLE__ENABLED", "true")]).await;
    let (_, state) = ask(&app, Method::GET, "/console/state", LOCAL).await;
    assert_eq!(state["data"]["shares_users"], true);
    let open = "/console/conflicts?open=true";
    let pair = format!("/console/conflicts/{kept}/{other}");
    for (method, path) in [(Method::GET, open), (Method::POST, &pair)] {
        assert_eq!(ask(&app, method, path, REMOTE).await.0, 403, "{path}");
    }
    let (_, listed) = ask(&app, Method::GET, open, LOCAL).await;
    assert_eq!(listed["data"]["conflicts"][0]["other"], other);
    let (status, reply) = ask(&app, Method::POST, &pair, LOCAL).await;
    let error = (status, reply["error"].as_str());
    assert_eq!(error, (400, Some("decision_malformed")));
}

/// Starts an app with an admin port, in the production profile.
async fn production() -> TestApp {
    let keys = format!("alice:{KEY}");
    let admin = [("WEAPP_ADMIN__PORT", "3999"), ("WEAPP_ADMIN__KEYS", &keys)];
    TestApp::with(&[&PRODUCTION[..], &admin].concat()).await
}

/// Sends a request to the admin port, and returns the status and the body.
async fn ask_admin(app: &TestApp, path: &str, key: Option<&str>) -> (u16, String) {
    let mut request = TestRequest::get().uri(path);
    if let Some(key) = key {
        request = request.insert_header(bearer(key));
    }
    let (status, _, body) = app.fetch_admin(request).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[actix_rt::test]
async fn in_production_the_console_is_on_the_admin_port_only_and_its_data_needs_a_key() {
    let app = production().await;
    for row in routes::console().iter().chain(&routes::admin_console()) {
        let path = row.path.replace("{file}", "app.js");
        let (status, _) = ask(&app, row.method.clone(), &path, LOCAL).await;
        assert_eq!(status, 404, "{path} on the server's port");
    }
    let (status, page) = ask_admin(&app, "/", None).await;
    assert!(status == 200 && page.contains("console/app.js"), "{page}");
    assert_eq!(ask_admin(&app, "/console/app.js", None).await.0, 200);
    for path in [
        "/console/state",
        "/console/events",
        "/console/errcodes/40029",
    ] {
        let wrong = "0".repeat(32);
        for key in [None, Some(wrong.as_str())] {
            assert_eq!(ask_admin(&app, path, key).await.0, 401, "{path}");
        }
    }
    let (status, state) = ask_admin(&app, "/console/state", Some(KEY)).await;
    let state: Value = serde_json::from_str(&state).unwrap();
    let facts = (status, &state["data"]["mode"], &state["data"]["simulated"]);
    assert_eq!(facts, (200, &json!("admin"), &json!(false)));
    // Neither the phone nor the simulator nor the settings.
    for path in [
        "/login",
        "/simulator",
        "/console/settings",
        "/console/users",
    ] {
        assert_eq!(ask_admin(&app, path, Some(KEY)).await.0, 404, "{path}");
    }
}

#[test]
fn operators_see_the_rejected_requests_without_bodies() {
    let folder = Folder::new();
    let keys = format!("alice:{KEY}");
    let admin_port = free_port();
    let port = admin_port.to_string();
    let admin = [("WEAPP_ADMIN__PORT", &*port), ("WEAPP_ADMIN__KEYS", &keys)];
    let mut server = Binary::start(&folder, &[&PRODUCTION[..], &admin].concat());
    server.wait_for("the admin API is served");
    let mut page = Connection::to(admin_port);
    let head = format!(
        "GET /console/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n\r\n"
    );
    page.send(head.as_bytes());
    while page.line() != "\r\n" {}
    assert_eq!(page.chunk(), ": connected\n\n");
    assert_eq!(server.ask("GET", "/livez", "", "").0, 200);
    assert_eq!(server.ask("POST", "/login", "", r#"{"code":12}"#).0, 400);
    let event = page.chunk();
    let (_, data) = event.split_once("data: ").unwrap();
    let event: Value = serde_json::from_str(data.trim_end()).unwrap();
    assert_eq!(event["path"], "/login", "/livez was not rejected");
    assert_eq!(event["error"], "code_malformed");
    assert!(event["cause"].as_str().unwrap().contains("code_malformed"));
    for empty in [&event["body"], &event["reply"]] {
        assert_eq!(empty, "");
    }
    assert_eq!(event["headers"], json!([]));
}
