//! Nothing secret gets out: not in a reply, not in a log at any level, not in the bytes of the database.

use std::fs;

use actix_web::http::StatusCode;
use serde_json::json;
use weapp_login::simulator::{Endpoint, Fault, Options, Simulator};

use crate::harness::Folder;
use crate::server::Binary;

const ENDPOINT: Endpoint = Endpoint::Code2Session;

const KEY: &str = "0b5f7c1e-8d7a-4a53-9c36-3f1f6a4f2f10";

/// Every failure that WeChat can be, with the secrets in it where an answer has room for them.
fn faults(secrets: &[String]) -> Vec<Fault> {
    let echo = secrets.join(" ");
    let mut faults: Vec<_> = [
        -1, 40001, 40013, 40029, 40125, 40163, 40164, 40226, 45009, 45011, 41008, 99999,
    ]
    .map(|errcode| Fault::Refuse {
        errcode,
        errmsg: format!("no {echo}, rid: 668f2aa4-51c08c03-3d141241"),
    })
    .into();
    for (status, body) in [
        (200, format!("<html>{echo}</html>")),
        (502, format!("{{\"errmsg\":\"{echo}\"}}")),
        (200, format!("{{\"openid\":\"{echo}\"")),
        (200, String::new()),
    ] {
        faults.push(Fault::Raw {
            status: StatusCode::from_u16(status).unwrap(),
            content_type: "text/plain".to_owned(),
            body: body.into(),
        });
    }
    faults.push(Fault::Redirect(format!(
        "http://127.0.0.1:1/?{}",
        echo.replace(' ', "&")
    )));
    faults.extend([Fault::Silence, Fault::ResetBefore, Fault::ResetAfter]);
    faults
}

#[actix_rt::test]
async fn nothing_secret_gets_out() {
    let wechat = Simulator::start(Options::new(7)).await.unwrap();
    let folder = Folder::new();
    let environment = [
        ("WEAPP_WECHAT__BASE_URL", &*wechat.base_url()),
        ("WEAPP_WECHAT__TIMEOUT_MILLISECONDS", "1000"),
        ("WEAPP_APPS__MAIN__APP_ID", wechat.app_id()),
        ("WEAPP_APPS__MAIN__APP_SECRET", wechat.app_secret()),
        ("WEAPP_LOG__LEVEL", "trace"),
        (
            "WEAPP_LOG__FORMAT",
            ":method :url :status :req[authorization] :req[idempotency-key] :referrer",
        ),
    ];
    let server = Binary::start(&folder, &environment);

    let mut replies = Vec::new();
    let code = wechat.issue_code("mei");
    let (status, login) = server.login(&code);
    assert_eq!(status, 200, "{login}");
    let token = login["data"]["token"].as_str().unwrap().to_owned();
    let session_key = wechat.session_key("mei").unwrap();
    let mut secrets = vec![
        code.clone(),
        session_key,
        wechat.openid("mei"),
        wechat.app_secret().to_owned(),
    ];

    // Again with the old token and a key, twice: the old session key is handed on, and the answer is kept.
    let again = wechat.issue_code("mei");
    let body = json!({ "code": again }).to_string();
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: {KEY}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let repeated = [(); 2].map(|()| {
        let mut connection = server.connect();
        connection.send(request.as_bytes());
        connection.reply().unwrap()
    });
    assert_eq!(repeated[0], repeated[1]);
    let newer = repeated[0].1["data"]["token"].as_str().unwrap().to_owned();
    let session_key = wechat.session_key("mei").unwrap();
    secrets.extend([newer.clone(), again, session_key, KEY.to_owned()]);
    let profile = json!({ "nickname": "小美", "avatar_url": "https://a/b" }).to_string();
    replies.push(server.ask("PUT", "/user", &newer, &profile));
    for path in ["/user", "/sessions"] {
        replies.push(server.ask("GET", path, &newer, ""));
    }

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
        wechat.every_answer(ENDPOINT, fault);
        let refused = server.login(&code);
        assert_ne!(refused.0, 200);
        replies.push(refused);
        wechat.clear_faults(ENDPOINT);
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

    for secret in secrets.iter().chain([&token]) {
        for (status, reply) in &replies {
            assert!(
                !reply.to_string().contains(secret.as_str()),
                "in a reply: {status} {reply}"
            );
        }
        let output = server.output();
        assert!(!output.contains(secret.as_str()), "in the log:\n{output}");
        for entry in fs::read_dir(folder.path().join("data")).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "in {}", path.display());
        }
    }
    assert!(
        server.output().contains("code=***"),
        "the log was not looked at: {}",
        server.output()
    );
}
