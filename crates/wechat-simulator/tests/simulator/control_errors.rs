//! The control API: recorded requests, reset, and errors.

use super::control::{NOTHING, control, control_request};
use super::*;

#[actix_web::test]
async fn recorded_requests_have_no_secrets() {
    let wechat = simulator().await;
    let token = stable_token(&wechat, false).0;
    log_in_with(&wechat, UNISSUED_CODE);
    let recorded = control(&wechat, "GET", "/simulator/requests", &NOTHING);
    let id = wechat.app_id();
    assert_eq!(
        recorded["requests"],
        json!([
            {
                "method": "POST",
                "path": "/cgi-bin/stable_token",
                "query": {},
                "body": {
                    "grant_type": "client_credential",
                    "appid": id,
                    "secret": "***",
                    "force_refresh": false,
                },
            },
            {
                "method": "GET",
                "path": "/sns/jscode2session",
                "query": {
                    "appid": id,
                    "secret": "***",
                    "js_code": "***",
                    "grant_type": "authorization_code",
                },
                "body": null,
            },
        ])
    );
    get(&wechat, &format!("/wxa/checksession?access_token={token}"));
    let path = "/simulator/requests?path=/wxa/checksession";
    let recorded = control(&wechat, "GET", path, &NOTHING);
    assert_eq!(
        recorded["requests"][0]["query"],
        json!({"access_token": "***"})
    );
    assert_eq!(recorded["requests"].as_array().unwrap().len(), 1);
    control(&wechat, "DELETE", "/simulator/requests", &NOTHING);
    assert!(wechat.requests().is_empty());
}

#[actix_web::test]
async fn a_reset_keeps_only_the_apps_and_the_clock() {
    let wechat = simulator().await;
    wechat.update_user("mei", |user| user.blocked = true);
    wechat.fail_always(LOGIN, Fault::errcode(-1));
    wechat.advance(ONE_MINUTE);
    wechat.add_app(App::named(7, "two"));
    log_in_with(&wechat, UNISSUED_CODE);
    control(&wechat, "POST", "/simulator/reset", &NOTHING);
    let overview = control(&wechat, "GET", "/simulator", &NOTHING);
    assert_eq!(overview["now"], NOW + 60);
    assert_eq!(overview["users"], json!([]));
    assert_eq!(overview["apps"].as_array().unwrap().len(), 2);
    assert!(wechat.requests().is_empty());
    log_in(&wechat, "mei");
    wechat.clear_requests();
    assert!(wechat.requests().is_empty());
}

#[actix_web::test]
async fn the_largest_time_does_not_overflow() {
    let wechat = simulator().await;
    let end = json!({"advance_seconds": u64::MAX});
    let moved = control(&wechat, "POST", "/simulator/clock", &end);
    assert_eq!(moved["now"], u64::MAX);
    assert_eq!(stable_token(&wechat, false).1, 0);
    control(
        &wechat,
        "POST",
        "/simulator/users/mei/encrypt-key",
        &NOTHING,
    );
}

#[actix_web::test]
async fn an_invalid_request_gets_an_error_message() {
    let wechat = simulator().await;
    let apps = "/simulator/apps";
    let faults = "/simulator/faults";
    let data = "/simulator/users/mei/encrypted-data";
    let endpoint = r#""endpoint":"/sns/jscode2session","fault":{"kind":"silence"}"#;
    let both = format!(r#"{{{endpoint},"always":true,"times":2}}"#);
    let many = format!(r#"{{{endpoint},"times":1001}}"#);
    let rows = [
        (
            "GET",
            "/simulator/unknown",
            "",
            "404 Not Found",
            "there is no `/simulator/unknown`",
        ),
        (
            "GET",
            "/simulator/users/mei?app_id=wx0",
            "",
            "404 Not Found",
            "there is no app with this `app_id`",
        ),
        (
            "POST",
            "/simulator/users/mei/x",
            "",
            "404 Not Found",
            "there is no `/simulator/users/mei/x`",
        ),
        (
            "POST",
            "/simulator/apps/wx0/invalidate-access-tokens",
            "",
            "404 Not Found",
            "there is no app with this AppID",
        ),
        (
            "PUT",
            "/simulator/clock",
            "",
            "405 Method Not Allowed",
            "this path takes GET, POST",
        ),
        (
            "GET",
            "/simulator/users/mei/login-code",
            "",
            "405 Method Not Allowed",
            "this path takes POST",
        ),
        (
            "GET",
            "/simulator/users/%ff",
            "",
            "400 Bad Request",
            "the path is not percent-encoded UTF-8",
        ),
        (
            "POST",
            "/simulator/clock",
            "{}",
            "400 Bad Request",
            "invalid body: missing field `advance_seconds` at line 1 column 2",
        ),
        (
            "PUT",
            "/simulator/users/mei",
            r#"{"phone":"1"}"#,
            "400 Bad Request",
            "invalid body: unknown field `phone`, expected one of `phone_number`, `country_code`, `nickname`, `avatar_url`, `blocked`",
        ),
        (
            "POST",
            apps,
            "{}",
            "400 Bad Request",
            "an app has either a `name`, or an `app_id` and an `app_secret`",
        ),
        (
            "POST",
            faults,
            &both,
            "400 Bad Request",
            "a fault takes either `always` or `times`, which is at most 1000",
        ),
        (
            "POST",
            faults,
            &many,
            "400 Bad Request",
            "a fault takes either `always` or `times`, which is at most 1000",
        ),
        (
            "POST",
            data,
            r#"{"kind":"object"}"#,
            "400 Bad Request",
            "only the kind `share_info` takes a `group`, and only the kind `object` takes `data`, which it needs",
        ),
    ];
    for (method, path, body, status, error) in rows {
        let reply = control_request(&wechat, method, path, body);
        assert_eq!(
            reply,
            (status.to_owned(), json!({"error": error})),
            "{path}"
        );
    }
    assert!(
        wechat.requests().is_empty(),
        "the control API is not recorded"
    );
}
