//! Nothing secret gets out: not in a reply, not in a log at any level, not in the bytes of the database.

use std::fs;

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use weapp_login::simulator::{Endpoint, Fault, Mint, Options, Simulator};

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

/// A server that logs all that it can.
fn start(wechat: &Simulator, folder: &Folder) -> Binary {
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
    Binary::start(folder, &environment)
}

#[track_caller]
fn assert_in_no_reply(secrets: &[String], replies: &[(u16, Value)]) {
    for secret in secrets {
        for (status, reply) in replies {
            assert!(
                !reply.to_string().contains(secret.as_str()),
                "in a reply: {status} {reply}"
            );
        }
    }
}

/// Looks for secrets in the log and in the bytes of the database.
#[track_caller]
fn assert_nowhere(secrets: &[String], server: &Binary, folder: &Folder) {
    let output = server.output();
    for secret in secrets {
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
}

#[actix_rt::test]
async fn nothing_secret_gets_out() {
    let wechat = Simulator::start(Options::new(7)).await.unwrap();
    let folder = Folder::new();
    let server = start(&wechat, &folder);

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

    secrets.push(token);
    assert_in_no_reply(&secrets, &replies);
    assert_nowhere(&secrets, &server, &folder);
    assert!(
        server.output().contains("code=***"),
        "the log was not looked at: {}",
        server.output()
    );
}

/// The access tokens that WeChat was shown.
fn access_tokens(wechat: &Simulator) -> Vec<String> {
    let asked = wechat.asked();
    let tokens = asked
        .iter()
        .filter_map(|asked| asked.parameter("access_token"));
    tokens.map(str::to_owned).collect()
}

/// What a mini program's event hands over, as a body.
fn event(wechat: &Simulator, what: &Mint) -> Value {
    let minted = wechat.first_app().mint("mei", what);
    let mut event = json!({ "encryptedData": minted.encrypted_data, "iv": minted.iv });
    if let Some(raw_data) = minted.raw_data {
        event["rawData"] = raw_data.into();
        event["signature"] = minted.signature.into();
    }
    event
}

#[actix_rt::test]
async fn nothing_secret_gets_out_of_an_account() {
    let wechat = Simulator::start(Options::new(7)).await.unwrap();
    let mut person = wechat.person("mei");
    "13580006666".clone_into(&mut person.phone_number);
    "绝密的昵称".clone_into(&mut person.nickname);
    let personal = [person.phone_number.clone(), person.nickname.clone()];
    wechat.describe("mei", person);
    let folder = Folder::new();
    let server = start(&wechat, &folder);
    let (_, login) = server.login(&wechat.issue_code("mei"));
    let token = login["data"]["token"].as_str().unwrap().to_owned();
    let mut secrets = vec![
        token.clone(),
        wechat.openid("mei"),
        wechat.app_secret().into(),
    ];
    let ask = |method, path, body: &Value| server.ask(method, path, &token, &body.to_string());

    // What its owner sees of it.
    let phone = json!({ "code": wechat.issue_phone_code("mei") });
    let mut own = [(); 2]
        .map(|()| ask("POST", "/user/phone", &phone))
        .to_vec();
    let events = [Mint::phone_number(), Mint::user_info()].map(|what| event(&wechat, &what));
    own.extend(
        events
            .iter()
            .map(|event| ask("POST", "/user/decrypt", event)),
    );
    for (status, reply) in &own {
        let shown = reply.to_string();
        assert_eq!(*status, 200, "{shown}");
        assert!(personal.iter().any(|text| shown.contains(text)), "{shown}");
    }
    let mut replies = Vec::new();
    for (method, path) in [
        ("GET", "/session/wechat"),
        ("POST", "/session/wechat/reset"),
    ] {
        secrets.extend(wechat.session_key("mei"));
        replies.push(ask(method, path, &json!({})));
        assert_eq!(replies.last().unwrap().0, 200);
    }
    secrets.extend(wechat.session_key("mei"));
    secrets.extend(access_tokens(&wechat));
    let encrypt_key = wechat.first_app().encrypt_key("mei").unwrap();
    secrets.push(encrypt_key.encrypt_key);
    secrets.push(phone["code"].as_str().unwrap().to_owned());
    for event in &events {
        secrets.push(event["encryptedData"].as_str().unwrap().to_owned());
        secrets.extend(event["signature"].as_str().map(str::to_owned));
    }

    // What WeChat's failures and others' requests make of it.
    for endpoint in [
        Endpoint::PhoneNumber,
        Endpoint::CheckSessionKey,
        Endpoint::ResetUserSessionKey,
        Endpoint::StableAccessToken,
    ] {
        let echoed: Vec<_> = secrets.iter().chain(&personal).cloned().collect();
        for fault in faults(&echoed)
            .into_iter()
            .filter(|fault| *fault != Fault::Silence)
        {
            wechat.every_answer(endpoint, fault);
            wechat.first_app().clobber_access_tokens();
            let code = wechat.issue_phone_code("mei");
            replies.push(ask("POST", "/user/phone", &json!({ "code": code })));
            replies.push(ask("POST", "/session/wechat/reset", &json!({})));
            replies.push(ask("GET", "/session/wechat", &json!({})));
            secrets.push(code);
        }
        wechat.clear_faults(endpoint);
    }
    secrets.extend(access_tokens(&wechat));
    let (_, login) = server.login(&wechat.issue_code("bo"));
    let bo = login["data"]["token"].as_str().unwrap();
    for (path, body) in [
        ("/user/phone", &phone),
        ("/user/decrypt", &events[0]),
        ("/user/decrypt", &events[1]),
    ] {
        replies.push(server.ask("POST", path, bo, &body.to_string()));
    }
    // The last phone codes gave a number to its owner, once the token was to be had.
    let (shown, hidden): (Vec<_>, _) = replies
        .into_iter()
        .partition(|(status, reply)| *status == 200 && !reply["data"]["phone_number"].is_null());
    own.extend(shown);
    assert_in_no_reply(&secrets, &own);
    secrets.extend(personal);
    assert_in_no_reply(&secrets, &hidden);
    let output = server.output();
    assert!(
        output.contains("POST /user/decrypt 401"),
        "the log was not looked at: {output}"
    );
    assert_nowhere(&secrets, &server, &folder);
}
