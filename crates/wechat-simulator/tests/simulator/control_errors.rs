//! The control API: recorded requests, reset, and errors.

use super::control::{NOTHING, control, control_request};
use super::*;

#[actix_web::test]
async fn recorded_requests_have_no_secrets() {
    let wechat = simulator().await;
    let target = with_token(&wechat, "/wxa/checksession");
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
    get(&wechat, &target);
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
    let path = "/simulator/users/mei/encrypt-key";
    control(&wechat, "POST", path, &NOTHING);
}

#[actix_web::test]
async fn unknown_paths_and_wrong_methods_get_an_error_message() {
    let wechat = simulator().await;
    let missing = [
        ("GET /simulator/unknown", "there is no `/simulator/unknown`"),
        (
            "POST /simulator/users/mei/x",
            "there is no `/simulator/users/mei/x`",
        ),
        (
            "GET /simulator/users/mei?app_id=wx0",
            "there is no app with this `app_id`",
        ),
        (
            "POST /simulator/apps/wx0/invalidate-access-tokens",
            "there is no app with this AppID",
        ),
    ];
    let wrong_methods = [
        ("PUT /simulator/clock", "this path takes GET, POST"),
        (
            "GET /simulator/users/mei/login-code",
            "this path takes POST",
        ),
    ];
    for (request, error) in missing {
        check_error(&wechat, request, "", "404 Not Found", error);
    }
    for (request, error) in wrong_methods {
        check_error(&wechat, request, "", "405 Method Not Allowed", error);
    }
    let encoding = "the path is not percent-encoded UTF-8";
    check_error(
        &wechat,
        "GET /simulator/users/%ff",
        "",
        "400 Bad Request",
        encoding,
    );
    assert!(
        wechat.requests().is_empty(),
        "the control API is not recorded"
    );
}

#[actix_web::test]
async fn an_invalid_body_gets_an_error_message() {
    let wechat = simulator().await;
    for (request, body, error) in [
        (
            "POST /simulator/clock",
            "{}",
            "invalid body: missing field `advance_seconds` at line 1 column 2",
        ),
        (
            "PUT /simulator/users/mei",
            r#"{"phone":"1"}"#,
            "invalid body: unknown field `phone`, expected one of `phone_number`, `country_code`, `nickname`, `avatar_url`, `blocked`, `risk_rank`",
        ),
        (
            "POST /simulator/apps",
            "{}",
            "an app has either a `name`, or an `app_id` and an `app_secret`",
        ),
        (
            "POST /simulator/users/mei/encrypted-data",
            r#"{"kind":"object"}"#,
            "only the kind `share_info` takes a `group`, and only the kind `object` takes `data`, which it needs",
        ),
    ] {
        check_error(&wechat, request, body, "400 Bad Request", error);
    }
    let too_many = "a fault takes either `always` or `times`, which is at most 1000";
    let silence = json!({"kind": "silence"});
    for (changes, error) in [
        (
            json!({"always": true, "times": 2, "fault": silence}),
            too_many,
        ),
        (json!({"times": 1001, "fault": silence}), too_many),
        (
            json!({"fault": {"kind": "silence", "milliseconds": 1}}),
            "this kind of `fault` has no other fields",
        ),
        (
            json!({"fault": {"kind": "delay", "milliseconds": 1, "x": 1}}),
            "invalid `fault`: unknown field `x`, expected `milliseconds`",
        ),
        (
            json!({"fault": {"kind": "raw", "status": 100, "body": ""}}),
            "`status` must be from 200 to 599",
        ),
        (
            json!({"fault": {"kind": "redirect", "location": "a\nb"}}),
            "`content_type` and `location` must be valid header values, without line breaks",
        ),
    ] {
        let mut body = changes;
        body["endpoint"] = LOGIN.path().into();
        let body = body.to_string();
        check_error(
            &wechat,
            "POST /simulator/faults",
            &body,
            "400 Bad Request",
            error,
        );
    }
}

#[track_caller]
fn check_error(wechat: &Simulator, request: &str, body: &str, status: &str, error: &str) {
    let (method, path) = request.split_once(' ').unwrap();
    let reply = control_request(wechat, method, path, body);
    let expected = (status.to_owned(), json!({"error": error}));
    assert_eq!(reply, expected, "{request} {body}");
}
