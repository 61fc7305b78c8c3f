//! `user.keep_phone_number`: the number of an exchange is kept with its user, encrypted, and found by a digest.

use actix_web::http::Method;
use serde_json::{Value, json};
use weapp_login::identity::PhoneText;
use weapp_login::session::User;

use crate::harness::{Folder, TestApp};

const KEY: &str = "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7";
const OTHER_KEY: &str = "another-key-of-at-least-32-letters";
const KEPT: [(&str, &str); 2] = [
    ("WEAPP_USER__KEEP_PHONE_NUMBER", "true"),
    ("WEAPP_USER__DATA_KEYS", KEY),
];

async fn get(app: &TestApp, path: &str, token: &str) -> Value {
    let reply = app.ask(Method::GET, path, token).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["data"]["user"].clone()
}

async fn found(app: &TestApp, number: &str) -> Vec<User> {
    let numbers = app.parts.phone_numbers();
    numbers.users(&PhoneText::new(number)).await.unwrap()
}

/// Logs Mei in and exchanges a phone number code. Returns her token and the number.
async fn share(app: &TestApp) -> (String, Value) {
    let mei = app.token_of("mei").await;
    let code = json!({ "code": app.wechat.issue_phone_code("mei") });
    let exchanged = app.post("/user/phone", &mei, code).await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.text);
    (mei, exchanged.json()["data"].clone())
}

#[actix_rt::test]
async fn the_number_of_each_kind_of_exchange_is_kept() {
    let app = TestApp::with(&KEPT).await;
    let mei = app.token_of("mei").await;
    assert_eq!(get(&app, "/user", &mei).await.get("phone"), None);
    let (mei, number) = share(&app).await;
    for path in ["/user", "/user/export"] {
        assert_eq!(get(&app, path, &mei).await["phone"], number, "{path}");
    }
    let changed = app.put_user(&mei, json!({ "nickname": "小美" })).await;
    assert_eq!(changed.json()["data"]["user"]["phone"], number);

    let one_tap = json!({
        "code": app.wechat.issue_code("bo"),
        "phone_code": app.wechat.issue_phone_code("bo"),
    });
    let bo = app.post_login(one_tap).await;
    let other = bo.json()["data"]["phone"].clone();
    assert_eq!(get(&app, "/user", &bo.token()).await["phone"], other);
    assert_ne!(number, other);
}

#[actix_rt::test]
async fn a_user_is_found_by_a_kept_number_until_they_are_deleted() {
    let app = TestApp::with(&KEPT).await;
    let (mei, number) = share(&app).await;
    let text = number["phone_number"].as_str().unwrap();
    let (start, end) = text.split_at(3);
    for written in [text, &format!("+86 {text}"), &format!(" {start}-{end} ")] {
        let users = found(&app, written).await;
        let ids: Vec<_> = users.iter().map(|user| user.id.to_string()).collect();
        assert_eq!(
            ids,
            [get(&app, "/user", &mei).await["id"].as_str().unwrap()]
        );
    }
    assert_eq!(found(&app, &format!("+1{text}")).await, []);
    let user = found(&app, text).await.remove(0);
    let shown = format!("{user:?} {:?}", app.parts.phone_numbers().of(&user));
    assert!(shown.contains("KeptPhoneNumber(***)") && !shown.contains(text));
    let sealed = user.phone_number.unwrap().0;
    let contains = |part: &[u8]| sealed.windows(part.len()).any(|window| window == part);
    assert!(!contains(text.as_bytes()), "encrypted");

    let code = app.wechat.issue_code("mei");
    app.delete_user(&mei, &code).await.assert_data(json!({}));
    assert_eq!(found(&app, text).await, []);
    assert_eq!(app.rows_in("phone_number"), 0);
}

#[actix_rt::test]
async fn without_the_setting_no_number_is_kept() {
    let app = TestApp::with(&KEPT[1..]).await;
    let (mei, _number) = share(&app).await;
    assert_eq!(get(&app, "/user", &mei).await.get("phone"), None);
    assert_eq!(app.rows_in("phone_number"), 0);
}

#[actix_rt::test]
async fn a_kept_number_stays_after_a_change_of_key_or_setting() {
    let folder = Folder::new();
    let url = folder.store_url();
    let store = ("WEAPP_STORE__URL", &*url);
    let (mei, number) = share(&TestApp::with(&[KEPT[0], KEPT[1], store]).await).await;
    let text = number["phone_number"].as_str().unwrap();
    let keys = format!("{OTHER_KEY},{KEY}");
    let rotated = TestApp::with(&[("WEAPP_USER__DATA_KEYS", &keys), store]).await;
    for path in ["/user", "/user/export"] {
        assert_eq!(get(&rotated, path, &mei).await["phone"], number, "{path}");
    }
    assert_eq!(found(&rotated, text).await.len(), 1);
    let lost = [("WEAPP_USER__DATA_KEYS", OTHER_KEY), store];
    let lost = TestApp::with(&lost).await;
    assert_eq!(get(&lost, "/user", &mei).await.get("phone"), None);
    assert_eq!(found(&lost, text).await, []);
}
