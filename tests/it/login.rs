//! `POST /login`.

use actix_web::test::TestRequest;
use serde_json::json;
use wechat_simulator::MOCK_USER;

use crate::harness::TestApp;

const CODE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";

#[actix_rt::test]
async fn the_client_of_the_tutorial_logs_in() {
    let app = TestApp::start().await;
    let reply = app.login(CODE).await;
    let (token, user) = (reply.token(), reply.user_id());
    reply.assert_data(json!({
        "token": token,
        "expires_in": 604_800,
        "idle_expires_in": 259_200,
        "user": { "id": user, "is_new": true },
    }));
    assert_eq!((token.len(), user.len()), (52, 32));
}

#[actix_rt::test]
async fn a_code_works_once() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    app.login(&code).await.token();
    app.login(&code).await.assert_error_body(
        401,
        json!({
            "code": 40163,
            "error": "login_code_used",
            "message": "This login code was used before and works only once: send a new code, from wx.login in a mini program or from a new GET /login/oauth/url on the web.",
            "platform": { "name": "wechat", "errcode": 40163, "rid": "[rid]" },
            "wechat": { "errcode": 40163, "rid": "[rid]" },
        }),
    );
}

#[actix_rt::test]
async fn the_mock_code_logs_in_every_time_as_the_same_user() {
    let app = TestApp::start().await;
    let first = app.login("the code is a mock one").await;
    let second = app.login("the code is a mock one").await;
    assert_eq!(first.user_id(), second.user_id());
    assert_ne!(first.token(), second.token());
    assert_eq!(first.json()["data"]["user"]["is_new"], true);
    assert_eq!(second.json()["data"]["user"]["is_new"], false);
    assert!(!app.wechat.openid(MOCK_USER).is_empty());
}

#[actix_rt::test]
async fn a_user_is_the_same_at_every_login() {
    let app = TestApp::start().await;
    let first = app.login(&app.wechat.issue_code("mei")).await;
    let again = app.login(&app.wechat.issue_code("mei")).await;
    let other = app.login(&app.wechat.issue_code("bo")).await;
    assert_eq!(first.user_id(), again.user_id());
    assert_ne!(first.user_id(), other.user_id());
}

#[actix_rt::test]
async fn a_malformed_code_is_not_sent_to_wechat() {
    let app = TestApp::start().await;
    for (body, error) in [
        (json!({}), "code_missing"),
        (json!([]), "code_missing"),
        (json!(["x"]), "code_missing"),
        (json!({ "code": null }), "code_malformed"),
        (json!({ "Code": CODE }), "code_missing"),
        (json!({ "code": "" }), "code_malformed"),
        (json!({ "code": 42 }), "code_malformed"),
        (json!({ "code": { "code": CODE } }), "code_malformed"),
        (json!({ "code": "x".repeat(513) }), "code_malformed"),
        (json!({ "code": CODE, "app": "other" }), "app_unknown"),
        (json!({ "code": CODE, "app": 1 }), "app_unknown"),
        // Converted JavaScript values.
        (json!({ "code": "undefined" }), "code_malformed"),
        (json!({ "code": "null" }), "code_malformed"),
        (json!({ "code": "[object Object]" }), "code_malformed"),
        (json!({ "code": "[object Promise]" }), "code_malformed"),
    ] {
        let rejected = app.post_login(body).await.assert_error(400, error);
        assert_eq!(rejected["code"], 400);
    }
    assert!(app.wechat.requests().is_empty());
}

#[actix_rt::test]
async fn a_login_can_name_its_app() {
    let app = TestApp::start().await;
    for name in ["main", app.wechat.app_id()] {
        let code = app.wechat.issue_code("mei");
        app.post_login(json!({ "code": code, "app": name, "userInfo": {} }))
            .await
            .token();
    }
}

#[actix_rt::test]
async fn an_empty_app_is_no_app() {
    let app = TestApp::serving(&["shop"]).await;
    for name in [json!(""), json!(null)] {
        let code = app.wechat.issue_code("mei");
        let body = json!({ "code": code, "app": name });
        app.post_login(body).await.token();
    }
    let rejected = app.post_login(json!({ "code": CODE, "app": 7 })).await;
    rejected.assert_error(400, "app_unknown");
}

#[actix_rt::test]
async fn the_idle_time_ends_with_the_session() {
    let app = TestApp::with(&[
        ("WEAPP_SESSION__LIFETIME_SECONDS", "4000"),
        ("WEAPP_SESSION__IDLE_SECONDS", "4000"),
    ])
    .await;
    let reply = app.login(&app.wechat.issue_code("mei")).await.json();
    let times = [
        &reply["data"]["expires_in"],
        &reply["data"]["idle_expires_in"],
    ];
    assert_eq!(times, [&json!(4000), &json!(4000)]);
}

#[actix_rt::test]
async fn an_unknown_code_is_invalid() {
    let app = TestApp::start().await;
    for code in ["x", &"0a".repeat(32), "a-b_c"] {
        let rejected = app
            .login(code)
            .await
            .assert_error(401, "login_code_invalid");
        assert_eq!(
            (&rejected["code"], &rejected["wechat"]["errcode"]),
            (&json!(40029), &json!(40029))
        );
    }
}

#[actix_rt::test]
async fn a_code_expires_after_five_minutes() {
    let app = TestApp::start().await;
    let (in_time, late) = (app.wechat.issue_code("mei"), app.wechat.issue_code("mei"));
    app.wechat.advance(std::time::Duration::from_secs(299));
    app.login(&in_time).await.token();
    app.wechat.advance(std::time::Duration::from_secs(1));
    app.login(&late)
        .await
        .assert_error(401, "login_code_invalid");
}

#[actix_rt::test]
async fn every_spelling_of_the_path_logs_in() {
    let app = TestApp::start().await;
    for path in ["/login", "/login/", "/LOGIN", "/Login/?x=1"] {
        let body = json!({ "code": app.wechat.issue_code("mei") });
        app.call(TestRequest::post().uri(path).set_json(body))
            .await
            .token();
    }
}
