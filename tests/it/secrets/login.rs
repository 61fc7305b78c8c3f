//! A login's secrets: codes, tokens, session keys, the openid, the AppSecret, idempotency keys.

use serde_json::{Value, json};
use wechat_simulator::{Endpoint, Options, Simulator};

use super::{SERVICE_KEYS, assert_in_no_reply, assert_nowhere, faults, start, with_fault};
use crate::harness::Folder;
use crate::server::Binary;

const ENDPOINT: Endpoint = Endpoint::Code2Session;

const KEY: &str = "0b5f7c1e-8d7a-4a53-9c36-3f1f6a4f2f10";

/// Introspects a token with each of these service keys.
fn introspect(server: &Binary, keys: &[&str], token: &str) -> Vec<(u16, Value)> {
    let form = format!("token={token}&token_type_hint={token}");
    let ask = |key: &&str| {
        let mut connection = server.connect();
        let request = format!(
            "POST /introspect HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             authorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        connection.send(request.as_bytes());
        connection.reply().unwrap()
    };
    keys.iter().map(ask).collect()
}

/// Returns the metrics.
fn metrics(server: &Binary) -> Value {
    let (status, text) = server.get("/metrics", "");
    assert_eq!(status, 200);
    assert!(text.contains("weapp_user_logins_total"), "{text}");
    text.into()
}

#[actix_rt::test]
async fn a_login_discloses_no_secret() {
    let wechat = Simulator::start(Options::new(7)).await.unwrap();
    let folder = Folder::new();
    let server = start(&wechat, &folder);

    let mut replies = Vec::new();
    let code = wechat.issue_code("mei");
    let (token, _) = server.log_in(&code);
    let session_key = wechat.session_key("mei").unwrap();
    let mut secrets = vec![
        code.clone(),
        session_key,
        wechat.openid("mei"),
        wechat.app_secret().to_owned(),
    ];

    // Logs in twice with the previous token and one idempotency key: the session takes over the old key, and the response is stored.
    let again = wechat.issue_code("mei");
    let body = json!({ "code": again });
    let headers = format!("authorization: Bearer {token}\r\nidempotency-key: {KEY}\r\n");
    let repeated = [(); 2].map(|()| server.login_with(&headers, &body));
    assert_eq!(repeated[0], repeated[1]);
    let newer = repeated[0].1["data"]["token"].as_str().unwrap().to_owned();
    let session_key = wechat.session_key("mei").unwrap();
    secrets.extend([newer.clone(), again, session_key, KEY.to_owned()]);
    let profile = json!({ "nickname": "小美", "avatar_url": "https://a/b" }).to_string();
    replies.push(server.ask("PUT", "/user", &newer, &profile));
    for path in ["/user", "/sessions"] {
        replies.push(server.ask("GET", path, &newer, ""));
    }

    let keys: Vec<_> = SERVICE_KEYS.split(',').collect();
    for token in [&newer, &token, "x"] {
        replies.extend(introspect(&server, &keys, token));
        let wrong = introspect(&server, &[token, wechat.app_secret()], token);
        assert!(wrong.iter().all(|(status, _)| *status == 401), "{wrong:?}");
        replies.extend(wrong);
    }
    assert!(replies.iter().any(|(_, reply)| reply["active"] == true));
    replies.push(server.ask("GET", "/auth", &newer, ""));
    secrets.extend(keys.iter().map(|key| (*key).to_owned()));

    let in_the_url = format!(
        "/login?code={code}&token={token}&secret={}&x=1",
        wechat.app_secret()
    );
    replies.push(server.ask(
        "POST",
        &in_the_url,
        &token,
        &json!({ "code": code }).to_string(),
    ));
    for fault in faults(&secrets) {
        let code = wechat.issue_code("mei");
        let rejected = with_fault(&wechat, ENDPOINT, fault, || server.login(&code));
        assert_ne!(rejected.0, 200);
        replies.push(rejected);
        secrets.push(code);
    }
    for body in [
        r#"{"code":"#.to_owned(),
        format!(r#"{{"code":["{code}"]}}"#),
        format!("{{{code}}}"),
    ] {
        replies.push(server.ask("POST", "/login", &token, &body));
    }
    replies.push(server.ask("GET", "/session", &token, ""));
    replies.push(server.ask("DELETE", "/sessions", &token, ""));
    replies.push(server.ask("DELETE", "/session", &token, ""));
    replies.push(server.ask("GET", "/session", &token, ""));

    replies.push((200, metrics(&server)));
    secrets.push(token);
    assert_in_no_reply(&secrets, &replies);
    assert_nowhere(&secrets, &server.output(), &folder);
    assert!(
        server.output().contains("code=***"),
        "the log was not searched: {}",
        server.output()
    );
}
