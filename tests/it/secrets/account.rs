//! The secrets of an account: access tokens, phone numbers and their codes, encrypted data and its content.

use serde_json::{Value, json};
use wechat_simulator::{Endpoint, Fault, Options, Payload, Simulator};

use super::{DATA_KEY, assert_in_no_reply, assert_nowhere, faults, start, with_fault};
use crate::decrypt::event;
use crate::harness::Folder;

/// Returns the access tokens that WeChat received.
fn access_tokens(wechat: &Simulator) -> Vec<String> {
    let asked = wechat.requests();
    let tokens = asked
        .iter()
        .filter_map(|asked| asked.parameter("access_token"));
    tokens.map(str::to_owned).collect()
}

#[actix_rt::test]
async fn an_account_discloses_no_secret() {
    let wechat = Simulator::start(Options::new(7)).await.unwrap();
    let personal = ["13580006666", "绝密的昵称"].map(str::to_owned);
    let [phone_number, nickname] = personal.clone();
    wechat.update_user("mei", |user| {
        user.phone_number = phone_number;
        user.nickname = nickname;
    });
    let folder = Folder::new();
    let server = start(&wechat, &folder);
    let (token, _) = server.log_in(&wechat.issue_code("mei"));
    let mut secrets = vec![
        token.clone(),
        wechat.openid("mei"),
        wechat.app_secret().into(),
    ];
    let ask = |method, path, body: &Value| server.ask(method, path, &token, &body.to_string());

    // The responses to the owner.
    let phone = json!({ "code": wechat.issue_phone_code("mei") });
    let mut own = [(); 2]
        .map(|()| ask("POST", "/user/phone", &phone))
        .to_vec();
    let events = [Payload::phone_number(), Payload::user_info()];
    let events = events.map(|what| event(&wechat.first_app().encrypt("mei", &what)));
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
    for (method, path) in [("GET", "/session/key"), ("POST", "/session/key/reset")] {
        secrets.extend(wechat.session_key("mei"));
        replies.push(ask(method, path, &json!({})));
        assert_eq!(replies.last().unwrap().0, 200);
    }
    secrets.extend(wechat.session_key("mei"));
    secrets.extend(access_tokens(&wechat));
    let encrypt_key = wechat.first_app().encrypt_key("mei").unwrap();
    secrets.push(encrypt_key.encrypt_key);
    secrets.push(DATA_KEY.to_owned());
    secrets.push(phone["code"].as_str().unwrap().to_owned());
    for event in &events {
        secrets.push(event["encryptedData"].as_str().unwrap().to_owned());
        secrets.extend(event["signature"].as_str().map(str::to_owned));
    }

    // The responses to failures of WeChat and to other users.
    let echoed: Vec<_> = secrets.iter().chain(&personal).cloned().collect();
    let loud = || {
        faults(&echoed)
            .into_iter()
            .filter(|fault| *fault != Fault::Silence)
    };
    for (endpoint, method, path) in [
        (Endpoint::PhoneNumber, "POST", "/user/phone"),
        (Endpoint::CheckSessionKey, "GET", "/session/key"),
        (Endpoint::ResetUserSessionKey, "POST", "/session/key/reset"),
    ] {
        for fault in loud() {
            let code = wechat.issue_phone_code("mei");
            let body = json!({ "code": code });
            replies.push(with_fault(&wechat, endpoint, fault, || {
                ask(method, path, &body)
            }));
            secrets.extend(access_tokens(&wechat));
            secrets.push(code);
        }
    }
    let mut log = String::new();
    // A process seldom fetches a token, so each failure has its own process.
    for fault in loud() {
        wechat.first_app().invalidate_access_tokens();
        let server = start(&wechat, &folder);
        let ask = || server.ask("GET", "/session/key", &token, "");
        replies.push(with_fault(&wechat, Endpoint::StableAccessToken, fault, ask));
        secrets.extend(access_tokens(&wechat));
        log.push_str(&server.output());
    }
    secrets.extend(access_tokens(&wechat));
    let (bo, _) = server.log_in(&wechat.issue_code("bo"));
    for (path, body) in [
        ("/user/phone", &phone),
        ("/user/decrypt", &events[0]),
        ("/user/decrypt", &events[1]),
    ] {
        replies.push(server.ask("POST", path, &bo, &body.to_string()));
    }
    // The last phone codes returned a number to their owner, after the token was fetched.
    let (shown, hidden): (Vec<_>, _) = replies
        .into_iter()
        .partition(|(status, reply)| *status == 200 && !reply["data"]["phone_number"].is_null());
    own.extend(shown);
    assert_in_no_reply(&secrets, &own);
    secrets.extend(personal);
    assert_in_no_reply(&secrets, &hidden);
    log.push_str(&server.output());
    assert!(
        log.contains("POST /user/decrypt 409"),
        "the log was not searched: {log}"
    );
    secrets.sort();
    secrets.dedup();
    assert_nowhere(&secrets, &log, &folder);
}
