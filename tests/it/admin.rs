//! The admin API.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};
use weapp_login::routes;

use crate::harness::{Reply, TestApp, bearer};

const ALICE: &str = "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7";
const BOB: &str = "an-old.key_of~32-letters-01234567";
const UNKNOWN: &str = "0123456789abcdef0123456789abcdef";

async fn start() -> TestApp {
    let keys = format!("alice:{ALICE},bob:{BOB}");
    TestApp::with(&[("WEAPP_ADMIN__KEYS", &keys)]).await
}

/// Sends a request of Alice.
async fn ask(app: &TestApp, method: Method, path: &str) -> Reply {
    let request = TestRequest::default().method(method).uri(path);
    app.call_admin(request.insert_header(bearer(ALICE))).await
}

/// Posts a body of Alice.
async fn post(app: &TestApp, path: &str, body: Value) -> Reply {
    let request = TestRequest::post().uri(path).set_json(body);
    app.call_admin(request.insert_header(bearer(ALICE))).await
}

/// Returns the data of a response.
#[track_caller]
fn data(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["data"].clone()
}

/// Logs users in and returns their ids and tokens.
async fn log_in(app: &TestApp, names: &[&str]) -> Vec<(String, String)> {
    let mut users = Vec::new();
    for name in names {
        let login = app.login(&app.wechat.issue_code(name)).await;
        users.push((login.user_id(), login.token()));
    }
    users
}

async fn listed(app: &TestApp, query: &str) -> Vec<String> {
    let reply = ask(app, Method::GET, &format!("/admin/users?{query}")).await;
    ids(&data(&reply))
}

fn ids(data: &Value) -> Vec<String> {
    let users = data["users"].as_array().unwrap().iter();
    users
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}

#[actix_rt::test]
async fn each_route_requires_a_key_and_is_absent_from_the_public_port() {
    let app = start().await;
    let token = app.token_of("mei").await;
    for row in routes::admin() {
        let request = || {
            TestRequest::default()
                .method(row.method.clone())
                .uri(row.path)
        };
        app.call_admin(request())
            .await
            .assert_error(401, "admin_key_required");
        for wrong in [
            &format!("{ALICE}0"),
            "alice",
            &format!("alice:{ALICE}"),
            &token,
            "",
        ] {
            let reply = app.call_admin(request().insert_header(bearer(wrong))).await;
            reply.assert_error(401, "admin_key_required");
            assert!(
                reply
                    .header("www-authenticate")
                    .unwrap()
                    .contains("invalid_token")
            );
        }
        let public = app.call(request().insert_header(bearer(ALICE))).await;
        public.assert_error(404, "not_found");
    }
    for key in [ALICE, BOB] {
        let request = TestRequest::get()
            .uri("/admin/users")
            .insert_header(bearer(key));
        data(&app.call_admin(request).await);
    }
    for path in ["/login", "/session", "/metrics", "/admin", "/admin/nothing"] {
        ask(&app, Method::GET, path)
            .await
            .assert_error(404, "not_found");
    }
}

#[actix_rt::test]
async fn without_keys_no_request_is_accepted() {
    let app = TestApp::start().await;
    let reply = ask(&app, Method::GET, "/admin/users").await;
    reply.assert_error(401, "admin_key_required");
}

#[actix_rt::test]
async fn a_flood_of_wrong_keys_is_limited_and_a_right_key_still_works() {
    let keys = format!("alice:{ALICE}");
    let limit = ("WEAPP_LIMITS__ADDRESS_REJECTIONS_PER_MINUTE", "1");
    let app = TestApp::with(&[("WEAPP_ADMIN__KEYS", &keys), limit]).await;
    let from = async |host: u8, key: &str| {
        let request = TestRequest::get()
            .uri("/admin/users")
            .peer_addr(([203, 0, 113, host], 5000).into())
            .insert_header(bearer(key));
        app.call_admin(request).await
    };
    for _ in 0..10 {
        from(1, BOB).await.assert_error(401, "admin_key_required");
    }
    let limited = from(1, BOB).await;
    limited.assert_error(429, "rate_limited");
    assert!(limited.header("retry-after").is_some());
    data(&from(1, ALICE).await);
    from(2, BOB).await.assert_error(401, "admin_key_required");
    let login = app.login(&app.wechat.issue_code("mei")).await;
    assert_eq!(login.status, 200, "logins have an allowance of their own");
    let (_status, metrics) = app.scrape().await;
    assert!(
        metrics.contains(r#"limit="address",call="admin_key""#)
            || metrics.contains(r#"call="admin_key",limit="address""#),
        "{metrics}"
    );
}

#[actix_rt::test]
async fn users_are_listed_newest_first_page_by_page() {
    let app = start().await;
    let users = log_in(&app, &["mei", "bo", "li"]).await;
    let newest: Vec<_> = users.iter().rev().map(|(id, _)| id.clone()).collect();
    let mut all = listed(&app, "").await;
    let reply = ask(&app, Method::GET, "/admin/users?limit=2").await;
    let first = data(&reply);
    let next = first["next"].as_str().unwrap();
    let rest = ask(
        &app,
        Method::GET,
        &format!("/admin/users?limit=2&cursor={next}"),
    )
    .await;
    let rest = data(&rest);
    assert_eq!(rest["next"], Value::Null);
    assert_eq!([ids(&first), ids(&rest)].concat(), all);
    // Users of one millisecond have the order of their ids.
    all.sort();
    let mut expected = newest.clone();
    expected.sort();
    assert_eq!(all, expected);

    let user = &rest["users"][0];
    let created_at = user["created_at"].as_str().unwrap();
    let expected = json!({
        "id": ids(&rest)[0],
        "app": app.wechat.app_id(),
        "nickname": null,
        "avatar_url": null,
        "created_at": created_at,
        "block": null,
    });
    assert_eq!(*user, expected);
}

#[actix_rt::test]
async fn filters_select_users() {
    let app = start().await;
    let users = log_in(&app, &["mei", "bo"]).await;
    let (mei, token) = &users[0];
    let renamed = TestRequest::put().uri("/user").insert_header(bearer(token));
    let renamed = app
        .call(renamed.set_json(json!({ "nickname": "小美" })))
        .await;
    assert_eq!(renamed.status, 200);
    ask(&app, Method::POST, &format!("/admin/users/{mei}/block")).await;
    let app_id = app.wechat.app_id();
    for query in [
        "nickname=%E5%B0%8F",
        "blocked=true",
        "blocked=true&app=main",
    ] {
        assert_eq!(listed(&app, query).await, [mei.clone()], "{query}");
    }
    for (query, expected) in [
        ("app=main".to_owned(), 2),
        (format!("app={app_id}"), 2),
        ("app=other".to_owned(), 0),
        ("created_since=2026-01-01T00:00:00Z".to_owned(), 2),
        ("created_since=2999-01-01T00:00:00%2B08:00".to_owned(), 0),
        ("blocked=false".to_owned(), 2),
    ] {
        assert_eq!(listed(&app, &query).await.len(), expected, "{query}");
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=x",
        "cursor=",
        "created_since=yesterday",
        "blocked=yes",
        "nickame=x",
    ] {
        let reply = ask(&app, Method::GET, &format!("/admin/users?{query}")).await;
        reply.assert_error(400, "user_query_malformed");
    }
}

#[actix_rt::test]
async fn a_blocked_user_is_rejected_everywhere_until_they_are_unblocked() {
    let app = start().await;
    let users = log_in(&app, &["mei", "bo"]).await;
    let (mei, token) = &users[0];
    app.token_of("mei").await;
    let blocked = post(
        &app,
        &format!("/admin/users/{mei}/block"),
        json!({ "reason": " spam " }),
    )
    .await;
    blocked.assert_data(json!({ "ended_sessions": 2 }));
    app.show_session(token)
        .await
        .assert_error(401, "session_required");
    app.show_session(&users[1].1)
        .await
        .assert_data(data(&app.show_session(&users[1].1).await));
    let rows = (app.rows_in("user"), app.rows_in("session"));
    let rejected = app.login(&app.wechat.issue_code("mei")).await;
    rejected.assert_error(403, "user_blocked_by_admin");
    assert_eq!((app.rows_in("user"), app.rows_in("session")), rows);

    let shown = data(&ask(&app, Method::GET, &format!("/admin/users/{mei}")).await);
    assert_eq!(shown["user"]["block"]["reason"], "spam");
    assert_eq!(shown["sessions"], json!([]));
    let path = format!("/admin/users/{mei}/unblock");
    ask(&app, Method::POST, &path).await.assert_data(json!({}));
    let again = app.login(&app.wechat.issue_code("mei")).await;
    assert_eq!(again.user_id(), *mei);
    app.show_session(token)
        .await
        .assert_error(401, "session_required");
}
