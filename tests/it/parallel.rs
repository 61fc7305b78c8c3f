//! Concurrent logins.

use std::collections::HashSet;

use crate::harness::TestApp;
use crate::server::Connection;

/// Posts all codes concurrently, each on its own connection. Returns the statuses and tokens.
async fn log_in_concurrently(port: u16, codes: Vec<String>) -> Vec<(u16, Option<String>)> {
    let logins = codes.into_iter().map(|code| {
        actix_rt::task::spawn_blocking(move || {
            let body = serde_json::json!({ "code": code }).to_string();
            let (status, reply) = Connection::to(port)
                .ask("POST", "/login", "", &body)
                .unwrap();
            (status, reply["data"]["token"].as_str().map(str::to_owned))
        })
    });
    let logins: Vec<_> = logins.collect();
    let mut results = Vec::new();
    for login in logins {
        results.push(login.await.unwrap());
    }
    results
}

#[actix_rt::test]
async fn concurrent_logins_create_one_session_each() {
    let app = TestApp::start().await;
    let server = app.serve();
    let codes = (0..64)
        .map(|user| app.wechat.issue_code(&user.to_string()))
        .collect();
    let results = log_in_concurrently(server.port, codes).await;
    let tokens: HashSet<_> = results
        .into_iter()
        .map(|(status, token)| (status, token.unwrap()))
        .collect();
    assert_eq!(tokens.len(), 64);
    for (status, token) in tokens {
        assert_eq!(status, 200);
        assert_eq!(app.show_session(&token).await.status, 200);
    }
}

#[actix_rt::test]
async fn a_code_posted_fifty_times_concurrently_logs_in_once() {
    let app = TestApp::start().await;
    let server = app.serve();
    let results = log_in_concurrently(server.port, vec![app.wechat.issue_code("mei"); 50]).await;
    let count = |wanted| {
        results
            .iter()
            .filter(|(status, _)| *status == wanted)
            .count()
    };
    assert_eq!((count(200), count(401)), (1, 49));
}
