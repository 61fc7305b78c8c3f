//! Many at once.

use std::collections::HashSet;

use crate::harness::TestApp;
use crate::server::Connection;

/// Posts all codes at once, each on a connection of its own, and gives the statuses and tokens.
async fn log_in_at_once(port: u16, codes: Vec<String>) -> Vec<(u16, Option<String>)> {
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
    let mut answers = Vec::new();
    for login in logins {
        answers.push(login.await.unwrap());
    }
    answers
}

#[actix_rt::test]
async fn sixty_four_logins_leave_sixty_four_sessions() {
    let app = TestApp::start().await;
    let server = app.serve();
    let codes = (0..64)
        .map(|user| app.wechat.issue_code(&user.to_string()))
        .collect();
    let answers = log_in_at_once(server.port, codes).await;
    let tokens: HashSet<_> = answers
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
async fn one_code_posted_fifty_times_at_once_logs_in_once() {
    let app = TestApp::start().await;
    let server = app.serve();
    let answers = log_in_at_once(server.port, vec![app.wechat.issue_code("mei"); 50]).await;
    let with = |wanted| {
        answers
            .iter()
            .filter(|(status, _)| *status == wanted)
            .count()
    };
    assert_eq!((with(200), with(401)), (1, 49));
}
