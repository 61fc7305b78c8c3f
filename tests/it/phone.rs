//! `POST /user/phone`: exchanges a phone number code once, for its own user.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::test::TestRequest;
use futures_util::future::join_all;
use serde_json::{Value, json};
use wechat_simulator::{Endpoint, Fault, Options, Simulator};

use crate::harness::{Folder, Reply, TestApp, bearer};
use crate::server::{Binary, Connection};

const ENDPOINT: Endpoint = Endpoint::PhoneNumber;

const LATER: &str = "let the user tap the button again.";

async fn ask(app: &TestApp, token: &str, code: &str) -> Reply {
    app.post("/user/phone", token, json!({ "code": code }))
        .await
}

/// Returns the expected data for the user with this name.
fn number_of(wechat: &Simulator, user: &str) -> Value {
    let person = wechat.user(user);
    assert_eq!(person.country_code, "86");
    json!({
        "phone_number": person.phone_number,
        "pure_phone_number": person.phone_number,
        "country_code": "86",
    })
}

fn invalid() -> Value {
    json!({
        "code": 40029,
        "error": "phone_code_invalid",
        "message": format!(
            "WeChat does not accept this phone number code, which works once within 5 minutes of the tap: {LATER}"
        ),
        "platform": { "name": "wechat", "errcode": 40029, "rid": "[rid]" },
        "wechat": { "errcode": 40029, "rid": "[rid]" },
    })
}

fn spent() -> Value {
    json!({
        "code": 409,
        "error": "phone_code_spent",
        "message": format!(
            "This phone number code was sent to WeChat before and the response was lost: {LATER}"
        ),
    })
}

#[actix_rt::test]
async fn a_login_returns_the_phone_number_too() {
    let app = TestApp::start().await;
    let body = json!({
        "code": app.wechat.issue_code("mei"),
        "phone_code": app.wechat.issue_phone_code("mei"),
    });
    let login = async || {
        let request = TestRequest::post()
            .uri("/login")
            .insert_header(("idempotency-key", "k"))
            .set_json(&body);
        app.call(request).await
    };
    let first = login().await;
    let again = login().await;
    assert_eq!(first.token(), again.token());
    for reply in [&first, &again] {
        let data = &reply.json()["data"];
        assert_eq!(data["phone"], number_of(&app.wechat, "mei"), "{data}");
        assert_eq!(data["phone_error"], Value::Null);
    }
    assert_eq!(app.requests_to(ENDPOINT), 1, "paid once");
}

#[actix_rt::test]
async fn a_login_stands_if_only_the_phone_number_fails() {
    let app = TestApp::start().await;
    for (phone_code, error) in [
        (
            json!(app.wechat.issue_phone_code("bo")),
            "phone_code_invalid",
        ),
        (
            json!(app.wechat.issue_code("mei")),
            "login_code_instead_of_phone_code",
        ),
        (json!("undefined"), "code_malformed"),
        (json!(7), "code_malformed"),
    ] {
        let body = json!({ "code": app.wechat.issue_code("mei"), "phone_code": phone_code });
        let reply = app.post_login(body).await;
        let failed = &reply.json()["data"]["phone_error"];
        assert_eq!(failed["error"], error, "{failed}");
        assert_eq!(failed["request_id"].as_str(), reply.header("x-request-id"));
        assert!(
            failed["message"]
                .as_str()
                .is_some_and(|text| text.ends_with('.'))
        );
        assert_eq!(reply.json()["data"]["phone"], Value::Null);
        assert_eq!(app.show_session(&reply.token()).await.status, 200);
    }
    let failed = json!({ "code": "x", "phone_code": app.wechat.issue_phone_code("mei") });
    app.post_login(failed)
        .await
        .assert_error(401, "login_code_invalid");
    let calls = app.requests_to(ENDPOINT);
    for none in [json!(null), json!("")] {
        let body = json!({ "code": app.wechat.issue_code("mei"), "phone_code": none });
        let data = app.post_login(body).await.json()["data"].clone();
        assert!(
            data["token"].is_string() && data.get("phone_error").is_none(),
            "{data}"
        );
    }
    assert_eq!(app.requests_to(ENDPOINT), calls);
}

#[actix_rt::test]
async fn a_user_gets_their_full_number() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let code = app.wechat.issue_phone_code("mei");
    ask(&app, &token, &code)
        .await
        .assert_data(number_of(&app.wechat, "mei"));
    let asked = app.wechat.requests();
    let last: Value = serde_json::from_slice(&asked.last().unwrap().body).unwrap();
    assert_eq!(
        last,
        json!({ "code": code, "openid": app.wechat.openid("mei") })
    );
}

#[actix_rt::test]
async fn a_foreign_number_has_its_country_code() {
    let app = TestApp::start().await;
    app.wechat.update_user("mei", |user| {
        user.country_code = "44".to_owned();
        user.phone_number = "7700900123".to_owned();
    });
    let token = app.token_of("mei").await;
    let code = app.wechat.issue_phone_code("mei");
    ask(&app, &token, &code).await.assert_data(json!({
        "phone_number": "+447700900123",
        "pure_phone_number": "7700900123",
        "country_code": "44",
    }));
}

#[actix_rt::test]
async fn the_same_code_returns_the_same_number_and_is_paid_for_once() {
    let app = TestApp::start().await;
    let (first, second) = (app.token_of("mei").await, app.token_of("mei").await);
    let code = app.wechat.issue_phone_code("mei");
    for token in [&first, &first, &second] {
        ask(&app, token, &code)
            .await
            .assert_data(number_of(&app.wechat, "mei"));
    }
    assert_eq!(app.requests_to(ENDPOINT), 1);
}

#[actix_rt::test]
async fn concurrent_requests_share_one_exchange() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let code = app.wechat.issue_phone_code("mei");
    let by = Duration::from_millis(300);
    app.wechat.fail_next(ENDPOINT, Fault::Delay { by });
    for reply in join_all((0..5).map(|_| ask(&app, &token, &code))).await {
        reply.assert_data(number_of(&app.wechat, "mei"));
    }
    assert_eq!(app.requests_to(ENDPOINT), 1);
}

#[actix_rt::test]
async fn the_code_of_another_user_is_rejected() {
    let app = TestApp::start().await;
    let (mei, bo) = (app.token_of("mei").await, app.token_of("bo").await);
    let code = app.wechat.issue_phone_code("mei");
    ask(&app, &bo, &code)
        .await
        .assert_error_body(400, invalid());
    ask(&app, &mei, &code)
        .await
        .assert_data(number_of(&app.wechat, "mei"));
    ask(&app, &bo, &code)
        .await
        .assert_error_body(400, invalid());
}

#[actix_rt::test]
async fn a_login_code_is_rejected_before_wechat_is_called() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    for code in [&*app.wechat.issue_code("mei"), "the code is a mock one"] {
        ask(&app, &token, code).await.assert_error_body(
            400,
            json!({
                "code": 400,
                "error": "login_code_instead_of_phone_code",
                "message": "This is a code from wx.login: send e.detail.code of the phone number button's event.",
            }),
        );
    }
    assert_eq!(app.requests_to(ENDPOINT), 0);
    assert_eq!(app.rows_in("ledger"), 0);
}

#[actix_rt::test]
async fn a_malformed_code_is_rejected() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    for (body, error) in [
        (json!({}), "code_missing"),
        (json!({ "code": null }), "code_malformed"),
        (json!({ "code": "" }), "code_malformed"),
        (json!({ "code": "x".repeat(513) }), "code_malformed"),
    ] {
        let reply = app.post("/user/phone", &token, body).await;
        reply.assert_error(400, error);
    }
    let form = TestRequest::post()
        .uri("/user/phone")
        .insert_header(bearer(&token))
        .insert_header((CONTENT_TYPE, "text/plain"))
        .set_payload("x");
    app.call(form).await.assert_error(400, "code_missing");
}

#[actix_rt::test]
async fn a_code_of_another_app_is_reported() {
    let app = TestApp::serving(&["shop", "desk"]).await;
    let of = |name| app.wechat.named_app(name).unwrap();
    let code = of("shop").issue_code("mei");
    let login = app.post_login(json!({ "code": code, "app": "shop" })).await;
    let foreign = of("desk").issue_phone_code("mei");
    ask(&app, &login.token(), &foreign).await.assert_error_body(
        400,
        json!({
            "code": 40013,
            "error": "phone_code_of_another_app",
            "message": "This phone number code is not from the mini program of this session: compare the AppIDs.",
            "platform": { "name": "wechat", "errcode": 40013, "rid": "[rid]" },
            "wechat": { "errcode": 40013, "rid": "[rid]" },
        }),
    );
}

#[actix_rt::test]
async fn each_errcode_has_its_error_and_does_not_spend_the_code() {
    for (errcode, status, error) in [
        (-1, 503, "platform_busy"),
        (40029, 400, "phone_code_invalid"),
        (40163, 400, "phone_code_invalid"),
        (45011, 429, "too_many_requests"),
        (45009, 503, "platform_busy"),
        (48001, 503, "platform_misconfigured"),
        (40013, 400, "phone_code_of_another_app"),
    ] {
        let app = TestApp::start().await;
        let token = app.token_of("mei").await;
        let code = app.wechat.issue_phone_code("mei");
        app.wechat.fail_next(ENDPOINT, Fault::errcode(errcode));
        let rejected = ask(&app, &token, &code).await;
        assert_eq!(rejected.assert_error(status, error)["code"], errcode);
        assert_eq!(app.rows_in("ledger"), 1, "the access token");
        // After a quota error no calls are made for a while.
        if ![45011, 45009].contains(&errcode) {
            ask(&app, &token, &code)
                .await
                .assert_data(number_of(&app.wechat, "mei"));
            assert_eq!(app.requests_to(ENDPOINT), 2, "{errcode}");
        }
    }
}

#[actix_rt::test]
async fn without_an_access_token_the_code_is_not_sent() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let code = app.wechat.issue_phone_code("mei");
    let fetch = Endpoint::StableAccessToken;
    app.wechat.fail_next(fetch, Fault::errcode(40164));
    ask(&app, &token, &code)
        .await
        .assert_error(503, "platform_misconfigured");
    assert_eq!(app.requests_to(ENDPOINT), 0);
    ask(&app, &token, &code)
        .await
        .assert_data(number_of(&app.wechat, "mei"));
}

#[actix_rt::test]
async fn a_rejected_access_token_is_renewed() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let code = app.wechat.issue_phone_code("mei");
    ask(&app, &token, &code).await;
    app.wechat.first_app().invalidate_access_tokens();
    let code = app.wechat.issue_phone_code("mei");
    ask(&app, &token, &code)
        .await
        .assert_data(number_of(&app.wechat, "mei"));
    assert_eq!(app.requests_to(Endpoint::StableAccessToken), 2);
}

#[actix_rt::test]
async fn a_code_is_not_sent_again_after_a_lost_response() {
    for (fault, status, error) in [
        (Fault::ResetAfter, 502, "platform_unintelligible"),
        (Fault::Truncate, 502, "platform_unintelligible"),
        (Fault::Silence, 504, "platform_timed_out"),
    ] {
        let app = TestApp::start().await;
        let token = app.token_of("mei").await;
        let code = app.wechat.issue_phone_code("mei");
        app.wechat.fail_next(ENDPOINT, fault);
        ask(&app, &token, &code).await.assert_error(status, error);
        for _ in 0..2 {
            ask(&app, &token, &code)
                .await
                .assert_error_body(409, spent());
        }
        assert_eq!(app.requests_to(ENDPOINT), 1);
    }
}

/// Kills the server while it waits for this endpoint, and sends the same code to a new server.
async fn killed_while(endpoint: Endpoint) -> ((u16, Value), Simulator) {
    let wechat = Simulator::start(Options::new(7)).await.unwrap();
    let folder = Folder::new();
    let environment = [
        ("WEAPP_WECHAT__BASE_URL", &*wechat.base_url()),
        ("WEAPP_WECHAT__TIMEOUT_MILLISECONDS", "1000"),
        ("WEAPP_APPS__MAIN__APP_ID", wechat.app_id()),
        ("WEAPP_APPS__MAIN__APP_SECRET", wechat.app_secret()),
    ];
    let server = Binary::start(&folder, &environment);
    let (token, _) = server.log_in(&wechat.issue_code("mei"));
    let body = json!({ "code": wechat.issue_phone_code("mei") }).to_string();
    wechat.fail_next(endpoint, Fault::Silence);
    let port = server.port;
    let asking = std::thread::spawn({
        let (token, body) = (token.clone(), body.clone());
        move || {
            let mut connection = Connection::to(port);
            connection.ask("POST", "/user/phone", &token, &body)
        }
    });
    while !wechat
        .requests()
        .iter()
        .any(|asked| asked.endpoint == Some(endpoint))
    {
        actix_rt::time::sleep(Duration::from_millis(5)).await;
    }
    drop(server);
    assert!(
        asking.join().unwrap().is_none(),
        "the server was not killed"
    );
    let server = Binary::start(&folder, &environment);
    (server.ask("POST", "/user/phone", &token, &body), wechat)
}

#[actix_rt::test]
async fn a_code_is_not_spent_if_the_server_is_killed_before_sending_it() {
    let ((status, reply), wechat) = killed_while(Endpoint::StableAccessToken).await;
    assert_eq!((status, &reply["data"]), (200, &number_of(&wechat, "mei")));
}

#[actix_rt::test]
async fn a_code_is_spent_if_the_server_is_killed_while_wechat_is_called() {
    let ((status, mut reply), wechat) = killed_while(ENDPOINT).await;
    reply.as_object_mut().unwrap().remove("request_id");
    assert_eq!((status, reply), (409, spent()));
    let asked = wechat.requests();
    let asked = asked
        .iter()
        .filter(|asked| asked.endpoint == Some(ENDPOINT));
    assert_eq!(asked.count(), 1);
}
