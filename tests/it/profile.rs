//! `GET /user` and `PUT /user`.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::harness::{Reply, TestApp, bearer};

const FAMILY: &str = "小美 👩🏽‍👩🏿‍👧‍👦 مَيّ";
const PICTURE: &str = "https://cdn.example.com/a/mei.png?v=1&s=2";
const GREY: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";

const GREY_SQUARE: &str = "https://mmbiz.qpic.cn/mmbiz/icTdbqWNOwNRna42FI242Lcia07jQodd2FJGIYQfG0LAJGFxM4FbnQP6yfMxBgJ0F3YRqJCJ1aPAK2dQagdusBZg/0";

async fn put(app: &TestApp, token: &str, body: impl Into<String>) -> Reply {
    let request = TestRequest::put()
        .uri("/user")
        .insert_header(bearer(token))
        .insert_header(("content-type", "application/json"))
        .set_payload(body.into());
    app.call(request).await
}

/// Returns the profile of `GET /user`, and checks the rest of the reply.
async fn shown(app: &TestApp, token: &str) -> (Value, Value) {
    let reply = app.ask(Method::GET, "/user", token).await;
    let user = reply.json()["data"]["user"].clone();
    let live = app.live(token).await.unwrap();
    reply.assert_data(json!({
        "user": {
            "id": live.user().id.to_string(),
            "nickname": user["nickname"],
            "avatar_url": user["avatar_url"],
            "created_at": format!("{:.3}", live.user().created_at),
        },
    }));
    (user["nickname"].clone(), user["avatar_url"].clone())
}

#[actix_rt::test]
async fn a_profile_is_returned_as_it_was_sent() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    assert_eq!(shown(&app, &token).await, (json!(null), json!(null)));
    let body = json!({ "nickname": FAMILY, "avatar_url": PICTURE, "gender": 1 });
    let changed = app.put_user(&token, body).await;
    assert_eq!(shown(&app, &token).await, (json!(FAMILY), json!(PICTURE)));
    let asked = app.ask(Method::GET, "/user", &token).await;
    assert_eq!((changed.status.as_u16(), changed.text), (200, asked.text));
    // It belongs to the user, not to the session or to other users.
    let (tablet, other) = (app.token_of("mei").await, app.token_of("bo").await);
    assert_eq!(shown(&app, &tablet).await, (json!(FAMILY), json!(PICTURE)));
    assert_eq!(shown(&app, &other).await, (json!(null), json!(null)));
}

#[actix_rt::test]
async fn an_absent_field_keeps_its_value_and_null_clears_it() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    for (body, nickname, avatar_url) in [
        (json!({ "nickname": "小美" }), json!("小美"), json!(null)),
        (
            json!({ "avatar_url": PICTURE }),
            json!("小美"),
            json!(PICTURE),
        ),
        (json!({ "nickname": null }), json!(null), json!(PICTURE)),
        (
            json!({ "nickname": " Zoë\u{3000}" }),
            json!("Zoë"),
            json!(PICTURE),
        ),
        (
            json!({ "nickname": "", "avatar_url": "" }),
            json!(null),
            json!(null),
        ),
    ] {
        assert_eq!(app.put_user(&token, body.clone()).await.status, 200);
        assert_eq!(shown(&app, &token).await, (nickname, avatar_url), "{body}");
    }
}

#[actix_rt::test]
async fn the_field_names_of_wechat_are_accepted() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    for (body, nickname, avatar_url) in [
        (
            json!({ "nickName": "小美", "avatarUrl": PICTURE, "gender": 0 }),
            json!("小美"),
            json!(PICTURE),
        ),
        (
            json!({ "nickName": "Zoë", "nickname": "Mei", "avatarUrl": null }),
            json!("Mei"),
            json!(null),
        ),
    ] {
        assert_eq!(app.put_user(&token, body.clone()).await.status, 200);
        assert_eq!(shown(&app, &token).await, (nickname, avatar_url), "{body}");
    }
    let rejected = app
        .put_user(&token, json!({ "avatarUrl": "http://tmp/a" }))
        .await;
    rejected.assert_error(400, "avatar_url_malformed");
}

#[actix_rt::test]
async fn a_request_that_saves_nothing_is_no_success() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", "nickname=Mei"),
        ("text/plain", r#"{"nickname":"Mei"}"#),
        ("application/json", "[]"),
        ("application/json", r#"[{"nickname":"Mei"}]"#),
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/json", r#"{"nick":"Mei"}"#),
    ] {
        let request = TestRequest::put()
            .uri("/user")
            .insert_header(bearer(&token))
            .insert_header(("content-type", content_type))
            .set_payload(body);
        let reply = app.call(request).await;
        reply.assert_error(400, "profile_missing");
    }
    let nothing = app.ask(Method::PUT, "/user", &token).await;
    nothing.assert_error(400, "profile_missing");
    assert_eq!(shown(&app, &token).await, (json!(null), json!(null)));
}

#[actix_rt::test]
async fn an_invisible_name_and_the_grey_picture_count_as_no_profile() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let whole = json!({ "nickname": "小美", "avatar_url": PICTURE });
    for (nickname, kept) in [
        (r"\u200b\u3164", json!(null)),
        (r"\uffff", json!(null)),
        (r"Mei\u202e\uffff", json!("Mei")),
    ] {
        app.put_user(&token, whole.clone()).await;
        let body = format!(r#"{{"nickname":"{nickname}","avatar_url":"{GREY_SQUARE}"}}"#);
        assert_eq!(put(&app, &token, body).await.status, 200);
        assert_eq!(shown(&app, &token).await, (kept, json!(null)), "{nickname}");
    }
}

#[actix_rt::test]
async fn half_a_surrogate_pair_is_replaced() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    put(&app, &token, r#"{"nickname":"a\ud83db"}"#).await;
    assert_eq!(shown(&app, &token).await.0, json!("a\u{fffd}b"));
}

#[actix_rt::test]
async fn the_default_name_of_wechat_counts_as_no_profile() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let whole = json!({ "nickname": "小美", "avatar_url": PICTURE });
    app.put_user(&token, whole).await;
    let body = json!({ "nickname": "微信用户", "avatar_url": GREY });
    app.put_user(&token, body).await;
    assert_eq!(shown(&app, &token).await, (json!(null), json!(null)));
}

#[actix_rt::test]
async fn a_malformed_profile_changes_nothing() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.put_user(&token, json!({ "nickname": "小美" })).await;
    for (body, error) in [
        (json!({ "nickname": "a\nb" }), "nickname_malformed"),
        (json!({ "nickname": "😀".repeat(65) }), "nickname_malformed"),
        (json!({ "nickname": 7 }), "nickname_malformed"),
        (json!({ "nickname": ["小美"] }), "nickname_malformed"),
        (
            json!({ "nickname": "b", "avatar_url": "http://a/b" }),
            "avatar_url_malformed",
        ),
        (
            json!({ "nickname": "b", "avatar_url": "wxfile://tmp_1.png" }),
            "avatar_url_malformed",
        ),
        (
            json!({ "nickname": "b", "avatar_url": {} }),
            "avatar_url_malformed",
        ),
    ] {
        let rejected = app.put_user(&token, body.clone()).await;
        assert_eq!(rejected.assert_error(400, error)["code"], 400);
        assert_eq!(
            shown(&app, &token).await,
            (json!("小美"), json!(null)),
            "{body}"
        );
    }
}

#[actix_rt::test]
async fn a_login_keeps_the_profile() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.put_user(&token, json!({ "nickname": "小美" })).await;
    let again = app.token_of("mei").await;
    assert_eq!(shown(&app, &again).await.0, json!("小美"));
}
