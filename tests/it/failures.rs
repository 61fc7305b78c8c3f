//! Errors of WeChat during a login, and the responses to the mini program.

use std::time::{Duration, Instant};

use serde_json::json;
use weapp_login::platforms::wechat::errcode;
use wechat_simulator::{Endpoint, Fault};

use crate::harness::{Reply, TestApp};

const ENDPOINT: Endpoint = Endpoint::Code2Session;

/// Logs in while WeChat responds with these faults, in order. Returns the reply and the number of calls.
async fn login_with(faults: Vec<Fault>) -> (Reply, usize) {
    let app = TestApp::start().await;
    for fault in faults {
        app.wechat.fail_next(ENDPOINT, fault);
    }
    let reply = app.login(&app.wechat.issue_code("mei")).await;
    (reply, app.wechat.requests().len())
}

/// The error for each errcode; 99999 stands for unknown ones.
const ROWS: [(u16, &str, &[i64]); 8] = [
    (401, "login_code_invalid", &[40029, 42003]),
    (401, "login_code_used", &[40163]),
    (403, "user_blocked", &[40226, 50002]),
    (429, "too_many_requests", &[44991, 45011]),
    (503, "platform_busy", &[-1, 45009, 48006]),
    (
        503,
        "platform_misconfigured",
        &[
            40001, 40013, 40014, 40066, 40125, 40164, 40243, 41002, 41004, 42001, 43003, 48001,
            50004, 50007, 61003, 61007, 89002, 89501, 89503, 89506, 89507,
        ],
    ),
    (
        500,
        "internal",
        &[
            40002, 40097, 41001, 41008, 41009, 43002, 44002, 47001, 87008,
        ],
    ),
    (
        502,
        "platform_unintelligible",
        &[
            40003, 43104, 61010, 76001, 76002, 76003, 76004, 76021, 76022, 87007, 87009, 89300,
            99999,
        ],
    ),
];

const RID: &str = "668f2aa4-51c08c03-3d141241";

/// Checks the reply to a login for which WeChat returns this errcode.
async fn check_errcode(errcode: i64, status: u16, error: &str) {
    let app = TestApp::start().await;
    let answer = format!(r#"{{"errcode":{errcode},"errmsg":"in WeChat's words, rid: {RID}"}}"#);
    app.wechat.fail_always(ENDPOINT, Fault::body(answer));
    let reply = app.login(&app.wechat.issue_code("mei")).await;
    let rejected = reply.assert_error(status, error);
    assert_eq!(rejected["code"], errcode);
    assert_eq!(
        rejected["wechat"],
        json!({ "errcode": errcode, "rid": RID })
    );
    let waits = [429, 503].contains(&status);
    assert_eq!(reply.header("retry-after").is_some(), waits, "{errcode}");
    for secret in [app.wechat.app_id(), app.wechat.app_secret(), "words"] {
        assert!(!reply.text.contains(secret), "{}", reply.text);
    }
}

#[actix_rt::test]
async fn every_errcode_has_its_error() {
    for (status, error, errcodes) in ROWS {
        for errcode in errcodes {
            check_errcode(*errcode, status, error).await;
        }
    }
}

#[test]
fn the_test_covers_every_errcode_of_the_table() {
    let tried: Vec<_> = ROWS.iter().flat_map(|(_, _, errcodes)| *errcodes).collect();
    for row in errcode::TABLE {
        assert!(
            row.errcode == 0 || tried.contains(&&row.errcode),
            "{}",
            row.errcode
        );
    }
}

#[actix_rt::test]
async fn an_exhausted_quota_sets_retry_after() {
    let (reply, _) = login_with(vec![Fault::errcode(45011)]).await;
    assert_eq!(reply.header("retry-after"), Some("60"));
}

#[actix_rt::test]
async fn a_call_is_retried_while_wechat_is_busy() {
    let (reply, asked) = login_with(vec![Fault::errcode(-1), Fault::errcode(-1)]).await;
    assert_eq!((reply.status.as_u16(), asked), (200, 3));
}

fn raw(status: u16, body: impl Into<Vec<u8>>) -> Fault {
    Fault::Raw {
        status,
        content_type: Some("text/html".to_owned()),
        body: body.into(),
    }
}

#[actix_rt::test]
async fn an_invalid_response_is_reported_and_not_retried() {
    for fault in [
        raw(502, "<html><body>502 Bad Gateway</body></html>"),
        raw(200, ""),
        raw(
            200,
            r#"{"openid":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","session_k"#,
        ),
        raw(200, r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ=="}"#),
        raw(200, "x".repeat(10_000_000)),
        raw(200, r#"{"errcode":"abc"}"#),
        Fault::Redirect {
            location: "http://127.0.0.1:1/".to_owned(),
        },
        Fault::ResetBefore,
        Fault::ResetAfter,
    ] {
        let (reply, asked) = login_with(vec![fault]).await;
        reply.assert_error(502, "platform_unintelligible");
        assert_eq!(asked, 1, "a code works once, so it is sent once");
    }
}

#[actix_rt::test]
async fn an_errcode_may_be_a_string() {
    let body = r#"{"errcode":"40029","errmsg":"invalid code, rid: 668f2aa4-51c08c03-3d141241"}"#;
    let (reply, _) = login_with(vec![raw(200, body)]).await;
    let rejected = reply.assert_error(401, "login_code_invalid");
    assert_eq!(
        rejected["wechat"],
        json!({ "errcode": 40029, "rid": "668f2aa4-51c08c03-3d141241" })
    );
}

#[actix_rt::test]
async fn the_timeout_of_the_settings_applies_to_a_silent_wechat() {
    let app = TestApp::with(&[("WEAPP_WECHAT__TIMEOUT_MILLISECONDS", "1000")]).await;
    app.wechat.fail_next(ENDPOINT, Fault::Silence);
    let start = Instant::now();
    app.login(&app.wechat.issue_code("mei"))
        .await
        .assert_error(504, "platform_timed_out");
    assert!(
        (900..2500).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
}

#[actix_rt::test]
async fn a_slow_response_is_awaited() {
    let by = Duration::from_millis(300);
    let (reply, _) = login_with(vec![Fault::Delay { by }]).await;
    assert_eq!(reply.status, 200);
}
