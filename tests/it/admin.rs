//! The admin API.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};
use weapp_login::routes;

use crate::harness::{Folder, Reply, TestApp, bearer, now};
use crate::server::{Binary, Connection, check_rejected, free_port, run};

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
    let renamed = app.put_user(token, json!({ "nickname": "小美" })).await;
    assert_eq!(renamed.status, 200);
    ask(&app, Method::POST, &format!("/admin/users/{mei}/block")).await;
    let app_id = app.wechat.app_id();
    for query in [
        "nickname=%E5%B0%8F",
        "blocked=true",
        "blocked=true&app=main",
    ] {
        assert_eq!(
            listed(&app, query).await,
            std::slice::from_ref(mei),
            "{query}"
        );
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

#[actix_rt::test]
async fn an_operator_ends_sessions_and_deletes_users() {
    let app = start().await;
    let (mei, first) = log_in(&app, &["mei"]).await.remove(0);
    let second = app.token_of("mei").await;
    let path = format!("/admin/users/{mei}");
    let shown = data(&ask(&app, Method::GET, &path).await);
    let sessions = shown["sessions"].as_array().unwrap();
    assert_eq!((sessions.len(), &shown["user"]["id"]), (2, &json!(mei)));
    for session in sessions {
        let fields: Vec<_> = session.as_object().unwrap().keys().collect();
        assert_eq!(
            fields,
            ["app", "created_at", "device", "ends_at", "id", "last_seen"]
        );
    }
    let newest = sessions[0]["id"].as_str().unwrap();
    let one = format!("{path}/sessions/{newest}");
    ask(&app, Method::DELETE, &one).await.assert_data(json!({}));
    app.show_session(&second)
        .await
        .assert_error(401, "session_required");
    assert_eq!(app.show_session(&first).await.status, 200);
    ask(&app, Method::DELETE, &one)
        .await
        .assert_error(404, "not_found");

    let all = format!("{path}/sessions");
    let ended = ask(&app, Method::DELETE, &all).await;
    ended.assert_data(json!({ "ended_sessions": 1 }));
    let ended = ask(&app, Method::DELETE, &all).await;
    ended.assert_data(json!({ "ended_sessions": 0 }));
    app.show_session(&first)
        .await
        .assert_error(401, "session_required");

    ask(&app, Method::DELETE, &path)
        .await
        .assert_data(json!({}));
    assert_eq!(listed(&app, "").await, Vec::<String>::new());
    let again = app.login(&app.wechat.issue_code("mei")).await;
    assert_ne!(again.user_id(), mei);
}

#[actix_rt::test]
async fn an_unknown_user_is_not_found() {
    let app = start().await;
    for id in [UNKNOWN, "mei", "0123456789ABCDEF0123456789abcdef"] {
        for (method, rest) in [
            (Method::GET, ""),
            (Method::DELETE, ""),
            (Method::POST, "/block"),
            (Method::POST, "/unblock"),
            (Method::DELETE, "/sessions"),
            (Method::DELETE, &*format!("/sessions/{UNKNOWN}")),
        ] {
            let reply = ask(&app, method, &format!("/admin/users/{id}{rest}")).await;
            reply.assert_error(404, "not_found");
        }
    }
}

#[actix_rt::test]
async fn a_malformed_reason_blocks_nobody() {
    let app = start().await;
    let (mei, token) = log_in(&app, &["mei"]).await.remove(0);
    let path = format!("/admin/users/{mei}/block");
    for reason in [
        json!(""),
        json!("a\nb"),
        json!("x".repeat(201)),
        json!(7),
        json!(null),
    ] {
        let reply = post(&app, &path, json!({ "reason": reason })).await;
        reply.assert_error(400, "reason_malformed");
    }
    assert_eq!(app.show_session(&token).await.status, 200);
    let blocked = ask(&app, Method::POST, &path).await;
    blocked.assert_data(json!({ "ended_sessions": 1 }));
}

#[actix_rt::test]
async fn a_user_is_found_by_openid_in_each_app() {
    for disclosed in [false, true] {
        let keys = format!("alice:{ALICE}");
        let disclose = disclosed.to_string();
        let app = TestApp::with(&[
            ("WEAPP_ADMIN__KEYS", &keys),
            ("WEAPP_ADMIN__DISCLOSE_OPENID", &disclose),
        ])
        .await;
        let users = log_in(&app, &["mei", "bo"]).await;
        let openid = app.wechat.openid("mei");
        for named in [Value::Null, json!("main"), json!(app.wechat.app_id())] {
            let body = json!({ "openid": openid, "app": named });
            let reply = post(&app, "/admin/users/find", body).await;
            let found = data(&reply);
            assert_eq!(ids(&found), [users[0].0.clone()]);
            let shown = found["users"][0]["openid"].as_str();
            assert_eq!(shown, disclosed.then_some(&*openid));
        }
        let path = format!("/admin/users/{}", users[0].0);
        for path in ["/admin/users", &path] {
            let reply = ask(&app, Method::GET, path).await;
            assert_eq!(reply.text.contains(&openid), disclosed, "{}", reply.text);
        }
        for body in [
            json!({ "openid": openid, "app": "other" }),
            json!({ "openid": format!("{openid}x") }),
        ] {
            let reply = post(&app, "/admin/users/find", body).await;
            assert_eq!(ids(&data(&reply)), Vec::<String>::new());
        }
        for body in [
            json!({}),
            json!({ "openid": "" }),
            json!({ "openid": 7 }),
            json!([]),
        ] {
            let reply = post(&app, "/admin/users/find", body).await;
            reply.assert_error(400, "openid_missing");
        }
    }
}

#[actix_rt::test]
async fn a_user_is_found_by_a_kept_phone_number() {
    let keys = format!("alice:{ALICE}");
    let app = TestApp::with(&[
        ("WEAPP_ADMIN__KEYS", &keys),
        ("WEAPP_USER__KEEP_PHONE_NUMBER", "true"),
        ("WEAPP_USER__DATA_KEYS", BOB),
    ])
    .await;
    let (mei, token) = log_in(&app, &["mei", "bo"]).await.remove(0);
    let code = json!({ "code": app.wechat.issue_phone_code("mei") });
    let shared = app.post("/user/phone", &token, code).await;
    let number = data(&shared)["pure_phone_number"]
        .as_str()
        .unwrap()
        .to_owned();
    let find = async |number: &str| {
        let body = json!({ "phone_number": number });
        post(&app, "/admin/users/find", body).await
    };
    let found = find(&number).await;
    assert_eq!(ids(&data(&found)), [mei]);
    assert!(!found.text.contains(&number), "{}", found.text);
    assert_eq!(ids(&data(&find("13500000000").await)), Vec::<String>::new());
    for body in [
        json!({ "phone_number": 1 }),
        json!({ "phone_number": number, "openid": "x" }),
    ] {
        let reply = post(&app, "/admin/users/find", body).await;
        reply.assert_error(400, "openid_missing");
    }
}

#[actix_rt::test]
async fn statistics_count_users_sessions_and_logins() {
    let app = start().await;
    let users = log_in(&app, &["mei", "bo"]).await;
    app.token_of("mei").await;
    app.login("no code of WeChat").await;
    let numbers = async || data(&ask(&app, Method::GET, "/admin/statistics").await);
    let before = numbers().await;
    assert_eq!(before["logins_per_day"][29]["logins"], 0, "not stored yet");
    for _repeated in 0..2 {
        app.parts.store_login_counts(now()).await.unwrap();
    }
    ask(
        &app,
        Method::POST,
        &format!("/admin/users/{}/block", users[1].0),
    )
    .await;
    let rejected = app.login(&app.wechat.issue_code("bo")).await;
    rejected.assert_error(403, "user_blocked_by_admin");
    app.parts.store_login_counts(now()).await.unwrap();
    let numbers = numbers().await;
    assert_eq!(
        (
            &numbers["users"],
            &numbers["blocked_users"],
            &numbers["sessions"]
        ),
        (&json!(2), &json!(1), &json!(2))
    );
    let days = numbers["logins_per_day"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    let today = now().strftime("%F").to_string();
    let app_id = app.wechat.app_id();
    let expected = json!({ "day": today, "logins": 3, "apps": { app_id: 3 } });
    assert_eq!(days[29], expected);
    assert_eq!(
        (&days[28]["logins"], &days[28]["apps"]),
        (&json!(0), &json!({}))
    );
}

#[actix_rt::test]
async fn a_store_failure_is_reported() {
    let app = start().await;
    app.parts.store().close().await.unwrap();
    for (method, path) in [
        (Method::GET, "/admin/users".to_owned()),
        (Method::GET, "/admin/statistics".to_owned()),
        (Method::GET, format!("/admin/users/{UNKNOWN}")),
        (Method::POST, format!("/admin/users/{UNKNOWN}/block")),
        (Method::DELETE, format!("/admin/users/{UNKNOWN}")),
    ] {
        ask(&app, method, &path)
            .await
            .assert_error(503, "store_unavailable");
    }
}

/// Starts a server with the admin API on a port of its own.
fn start_with_admin(folder: &Folder) -> (Binary, Connection) {
    let (port, keys) = (free_port(), format!("alice:{ALICE},bob:{BOB}"));
    let environment = [
        ("WEAPP_ADMIN__PORT", &*port.to_string()),
        ("WEAPP_ADMIN__KEYS", &keys),
        ("WEAPP_LOG__LEVEL", "error"),
    ];
    let server = Binary::start(folder, &environment);
    (server, Connection::when_open(port))
}

#[test]
fn a_server_audits_each_change() {
    let folder = Folder::new();
    let (mut server, mut admin) = start_with_admin(&folder);
    let (_, mei) = server.log_in("the code is a mock one");
    let user = &*format!("/admin/users/{mei}");
    let [block, unblock] = ["block", "unblock"].map(|change| format!("{user}/{change}"));
    let [all, one] = ["", &*format!("/{mei}")].map(|session| format!("{user}/sessions{session}"));
    let [merge, apart, reopen] = ["merge", "apart", "reopen"]
        .map(|change| format!("/admin/conflicts/{mei}/{mei} {{\"decision\":\"{change}\"}}"));
    let changes = [
        ("alice", "POST", &*merge, 404, "merge_users failed"),
        ("bob", "POST", &apart, 404, "keep_users_apart failed"),
        ("alice", "POST", &reopen, 404, "reopen_conflict failed"),
        ("bob", "DELETE", &one, 404, "end_session failed"),
        ("bob", "DELETE", &all, 200, "end_sessions done"),
        ("alice", "POST", &block, 200, "block_user done"),
        ("bob", "POST", &unblock, 200, "unblock_user done"),
        ("alice", "DELETE", user, 200, "delete_user done"),
        ("bob", "DELETE", user, 404, "delete_user failed"),
    ];
    for (operator, method, path, expected, _) in changes {
        let key = if operator == "alice" { ALICE } else { BOB };
        let (path, body) = path.split_once(' ').unwrap_or((path, ""));
        let (status, reply) = admin.ask(method, path, key, body).unwrap();
        assert_eq!(status, expected, "{reply}");
        // Reading changes nothing, so it leaves no line.
        admin.ask("GET", user, key, "").unwrap();
    }
    let log = server.stop();
    let lines = changes.map(|(operator, _, path, _, says)| {
        let both = path.starts_with("/admin/conflicts");
        let other = if both {
            format!(" and user {mei}")
        } else {
            String::new()
        };
        format!("{says}: user {mei}{other}, by {operator} (request ")
    });
    let audit = log.lines().filter(|line| line.contains(" audit "));
    assert_eq!(audit.clone().count(), lines.len(), "{log}");
    for (line, says) in audit.zip(lines) {
        assert!(line.contains(&says), "no `{says}` in {line}");
    }
    assert!(!log.contains(ALICE) && !log.contains(BOB), "{log}");
}

#[test]
fn a_server_stores_the_numbers_of_logins_when_it_stops() {
    let folder = Folder::new();
    let (mut server, _) = start_with_admin(&folder);
    server.log_in("the code is a mock one");
    server.stop();
    let (_server, mut admin) = start_with_admin(&folder);
    let (_, numbers) = admin.ask("GET", "/admin/statistics", ALICE, "").unwrap();
    let today = &numbers["data"]["logins_per_day"][29];
    assert_eq!(today["logins"], 1, "{numbers}");
}

#[test]
fn the_admin_port_must_be_its_own() {
    let keys = format!("alice:{ALICE}");
    let folder = Folder::new();
    for (name, other) in [
        ("WEAPP_SERVER__PORT", "3007"),
        ("WEAPP_METRICS__PORT", "3007"),
        ("WEAPP_SERVER__LISTEN", "0.0.0.0:3007"),
    ] {
        let environment = [
            ("WEAPP_ADMIN__PORT", "3007"),
            ("WEAPP_ADMIN__KEYS", &*keys),
            (name, other),
        ];
        let output = run(&folder, &environment, &["config", "check"]);
        check_rejected(&output, &["`admin.port` cannot be 3007"]);
    }
    let output = run(
        &folder,
        &[("WEAPP_ADMIN__PORT", "3007")],
        &["config", "check"],
    );
    // It needs a key.
    check_rejected(&output, &[]);
}
