//! `POST /user/decrypt`: decrypts the data of a mini program's events.

use serde_json::{Value, json};
use wechat_simulator::{EncryptedData, Payload};

use crate::harness::{Folder, Reply, TestApp, bearer, now};
use crate::server::Binary;

/// Returns the fields of the event, unchanged.
pub(crate) fn event(minted: &EncryptedData) -> Value {
    let mut event = json!({ "encryptedData": minted.encrypted_data, "iv": minted.iv });
    if let Some(raw_data) = &minted.raw_data {
        event["rawData"] = json!(raw_data);
        event["signature"] = json!(minted.signature);
    }
    event
}

async fn decrypt(app: &TestApp, token: &str, event: Value) -> Reply {
    app.post("/user/decrypt", token, event).await
}

pub(crate) fn mint(app: &TestApp, user: &str, what: &Payload) -> EncryptedData {
    app.wechat.first_app().encrypt(user, what)
}

/// The response to all data that does not decrypt.
pub(crate) fn stale() -> Value {
    json!({
        "code": 409,
        "error": "session_key_stale",
        "message": "The session key does not match: first call wx.login and POST the code to /login, then repeat the event \
                    and send its new data.",
    })
}

fn unix_now() -> u64 {
    u64::try_from(now().as_second()).unwrap()
}

#[actix_rt::test]
async fn a_phone_number_is_decrypted() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let made_now = Payload::phone_number().watermark_timestamp(unix_now());
    let minted = mint(&app, "mei", &made_now);
    let number = app.wechat.user("mei").phone_number;
    let reply = decrypt(&app, &token, event(&minted)).await;
    let made_at = reply.json()["data"]["watermark"]["timestamp"].clone();
    reply.assert_data(json!({
        "phoneNumber": number,
        "purePhoneNumber": number,
        "countryCode": "86",
        "watermark": { "timestamp": made_at, "appid": app.wechat.app_id() },
    }));
}

#[actix_rt::test]
async fn user_information_is_decrypted_without_openid_and_unionid() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let made_now = Payload::user_info().watermark_timestamp(unix_now());
    let minted = mint(&app, "mei", &made_now);
    let reply = decrypt(&app, &token, event(&minted)).await;
    let person = app.wechat.user("mei");
    let made_at = reply.json()["data"]["watermark"]["timestamp"].clone();
    reply.assert_data(json!({
        "nickName": person.nickname,
        "avatarUrl": person.avatar_url,
        "gender": 0,
        "language": "zh_CN",
        "city": "",
        "province": "",
        "country": "",
        "watermark": { "timestamp": made_at, "appid": app.wechat.app_id() },
    }));
    assert!(!reply.text.contains(&app.wechat.openid("mei")));
}

#[actix_rt::test]
async fn a_space_from_a_form_is_read_as_a_plus() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let mut repaired = 0;
    while repaired < 3 {
        let minted = mint(&app, "mei", &Payload::user_info());
        let both = [&minted.encrypted_data, &minted.iv];
        repaired += usize::from(both.iter().any(|text| text.contains('+')));
        let mut event = event(&minted);
        for name in ["encryptedData", "iv"] {
            event[name] = json!(event[name].as_str().unwrap().replace('+', " "));
        }
        assert_eq!(decrypt(&app, &token, event).await.status, 200);
    }
}

/// Gets encrypted data, logs in with or without the old token, and sends the data with the new token.
async fn race(app: &TestApp, with_old_token: bool) -> Reply {
    let first = app.token_of("mei").await;
    let minted = mint(app, "mei", &Payload::phone_number());
    let code = app.wechat.issue_code("mei");
    let (name, value) = bearer(&first);
    let headers = [(name, &*value)];
    let headers = if with_old_token { &headers[..] } else { &[] };
    let token = app.login_with(&code, headers).await.token();
    decrypt(app, &token, event(&minted)).await
}

#[actix_rt::test]
async fn data_from_just_before_a_login_is_decrypted_after_it() {
    let app = TestApp::start().await;
    let reply = race(&app, true).await;
    let number = app.wechat.user("mei").phone_number;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["data"]["purePhoneNumber"], json!(number));
    race(&app, false).await.assert_error_body(409, stale());
}

#[actix_rt::test]
async fn without_key_history_data_from_just_before_a_login_is_rejected() {
    let app = TestApp::with(&[("WEAPP_SESSION__KEY_HISTORY", "1")]).await;
    race(&app, true).await.assert_error_body(409, stale());
}

#[actix_rt::test]
async fn all_data_that_does_not_decrypt_gets_the_same_response() {
    let app = TestApp::start().await;
    let (token, _) = (app.token_of("mei").await, app.token_of("bo").await);
    let good = mint(&app, "mei", &Payload::user_info());
    let altered = |name: &str, value: &str| {
        let mut event = event(&good);
        event[name] = json!(value);
        event
    };
    let other_app = Payload::user_info().watermark_app_id("wx0000000000000000");
    let made_at = |time| Payload::user_info().watermark_timestamp(time);
    let (cut, rest) = good.encrypted_data.split_at(64);
    let other = if rest.starts_with('A') { "B" } else { "A" };
    let flipped = rest.chars().skip(1).collect::<String>();
    let flipped = format!("{cut}{other}{flipped}");
    let events = [
        event(&mint(&app, "bo", &Payload::user_info())),
        event(&mint(&app, "mei", &other_app)),
        event(&mint(&app, "mei", &made_at(unix_now() - 700))),
        event(&mint(&app, "mei", &made_at(unix_now() + 700))),
        altered("encryptedData", &flipped),
        altered("encryptedData", cut),
        altered("iv", "AAAAAAAAAAAAAAAAAAAAAA=="),
        altered("rawData", "{}"),
        altered("signature", "75e81ceda165f4ffa64f4068af58c64b8f54b88c"),
    ];
    for event in events {
        let reply = decrypt(&app, &token, event).await;
        reply.assert_error_body(409, stale());
    }
    assert_eq!(decrypt(&app, &token, event(&good)).await.status, 200);
    assert_eq!(
        app.show_session(&token).await.status,
        200,
        "still logged in"
    );
}

#[actix_rt::test]
async fn damaged_data_is_reported_as_such() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let good = mint(&app, "mei", &Payload::user_info());
    let cut = good.encrypted_data.get(..30).unwrap();
    for (name, value) in [
        ("encryptedData", ""),
        ("encryptedData", "不是"),
        ("encryptedData", cut),
        ("encryptedData", "[object Object]"),
        ("iv", ""),
        ("iv", "AAAA"),
        ("iv", "undefined"),
    ] {
        let mut event = event(&good);
        event[name] = json!(value);
        decrypt(&app, &token, event).await.assert_error_body(
            400,
            json!({
                "code": 400,
                "error": "encrypted_data_malformed",
                "message": "The encryptedData or the iv is damaged: send both unchanged, as the event returns them.",
            }),
        );
    }
}

#[actix_rt::test]
async fn the_maximum_age_of_data_is_a_setting() {
    let app = TestApp::with(&[("WEAPP_WECHAT__WATERMARK_SECONDS", "86400")]).await;
    let token = app.token_of("mei").await;
    for (age, status) in [(86_000, 200), (87_000, 409)] {
        let made_at = Payload::phone_number().watermark_timestamp(unix_now() - age);
        let minted = mint(&app, "mei", &made_at);
        assert_eq!(decrypt(&app, &token, event(&minted)).await.status, status);
    }
}

#[actix_rt::test]
async fn data_of_another_app_is_rejected() {
    let app = TestApp::serving(&["shop", "desk"]).await;
    let of = |name| app.wechat.named_app(name).unwrap();
    let mut tokens = Vec::new();
    for name in ["shop", "desk"] {
        let code = of(name).issue_code("mei");
        let login = app.post_login(json!({ "code": code, "app": name })).await;
        tokens.push(login.token());
    }
    let minted = of("desk").encrypt("mei", &Payload::phone_number());
    let shop = decrypt(&app, &tokens[0], event(&minted)).await;
    shop.assert_error_body(409, stale());
    let desk = decrypt(&app, &tokens[1], event(&minted)).await;
    assert_eq!(desk.status, 200);
}

#[actix_rt::test]
async fn missing_fields_are_reported() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let whole = event(&mint(&app, "mei", &Payload::user_info()));
    for name in ["encryptedData", "iv", "rawData", "signature"] {
        for value in [None, Some(Value::Null), Some(json!(7))] {
            let mut event = whole.clone();
            match value {
                Some(value) => event[name] = value,
                None => drop(event.as_object_mut().unwrap().remove(name)),
            }
            decrypt(&app, &token, event).await.assert_error_body(
                400,
                json!({
                    "code": 400,
                    "error": "encrypted_data_missing",
                    "message": "Send encryptedData and iv, and rawData only together with its signature, as the event returns \
                                them, as application/json.",
                }),
            );
        }
    }
}

#[test]
fn the_log_has_the_true_reason_of_a_failed_decryption() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let (token, _) = server.log_in("the code is a mock one");
    let block = "AAAAAAAAAAAAAAAAAAAAAA==";
    let body = json!({ "encryptedData": block, "iv": block }).to_string();
    server.ask("POST", "/user/decrypt", &token, &body);
    let output = server.stop();
    let lines: Vec<_> = output
        .lines()
        .filter(|line| line.contains("session_key_stale"))
        .collect();
    assert_eq!(lines.len(), 1, "{output}");
    let reason = "409 session_key_stale: encrypted data was rejected: no session key of the session decrypts the data";
    assert!(
        lines[0].contains("WARN") && lines[0].contains(reason),
        "{}",
        lines[0]
    );
    assert!(
        !output.contains(block) && !output.contains(&token),
        "{output}"
    );
}
