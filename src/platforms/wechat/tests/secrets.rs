//! Nothing secret leaves by an error: every failure is forced and searched.

use std::error::Error as Cause;

use crate::platforms::wechat::tests::calls::{PHONE_CODE, TOKEN};
use crate::platforms::wechat::tests::server::{Act, Server, http};
use crate::platforms::wechat::tests::{
    APP_ID, CODE, OPENID, SECRET, SESSION_KEY, client, log_in, log_in_with,
};
use crate::platforms::{Error, Identity};

const FORBIDDEN: &[&str] = &[
    SECRET,
    CODE,
    OPENID,
    SESSION_KEY,
    APP_ID,
    "js_code",
    "secret=",
    "http://",
    "/sns/",
    "jscode2session",
    TOKEN,
    PHONE_CODE,
    "13580006666",
    "access_token=",
];

/// Asserts that a failure shows nothing, in any of the ways in which it may come into a log.
#[track_caller]
pub(crate) fn check_silent(error: &Error) {
    let mut shown = vec![format!("{error} {error:?} {error:#?}")];
    let mut cause = error.source();
    while let Some(because) = cause {
        shown.push(format!("{because} {because:?}"));
        cause = because.source();
    }
    let shown = shown.join(" ");
    for secret in FORBIDDEN {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// A reply that echoes everything secret, as a proxy's error page or a debugging endpoint would.
fn echo(before: &str) -> String {
    format!(
        r#"{{{before}"errmsg":"invalid code {CODE} {SECRET} {OPENID} {SESSION_KEY} rid: {CODE} req_id: {SECRET} http://u/sns/jscode2session?secret={SECRET}&js_code={CODE}","openid":"{OPENID}","a":"{SESSION_KEY}"}}"#
    )
}

#[actix_web::test]
async fn no_rejection_shows_a_secret() {
    for row in crate::platforms::wechat::errcode::TABLE {
        let before = format!(r#""errcode":{},"#, row.errcode);
        let server = Server::start(vec![Act::json(&echo(&before))]);
        check_silent(&log_in(&server).await.unwrap_err());
    }
}

#[actix_web::test]
async fn no_invalid_reply_shows_a_secret() {
    let echo = echo("");
    let location =
        format!("302 Found\r\nLocation: http://127.0.0.1:1/?secret={SECRET}&js_code={CODE}");
    for act in [
        Act::json(&echo),
        Act::json(echo.trim_end_matches('}')),
        Act::json(&format!(r#"{{"errcode":"{SECRET}","openid":"{OPENID}"}}"#)),
        Act::status(&format!("502 {SECRET}"), &format!("<html>{CODE}</html>")),
        Act::status("500 No", &format!(r#"{{"openid":"{OPENID}"}}"#)),
        Act::json(""),
        Act::Reply(http(&location, b"")),
        Act::json(&format!("{echo}{}", " ".repeat(70_000))),
    ] {
        check_silent(&log_in(&Server::start(vec![act])).await.unwrap_err());
    }
}

#[actix_web::test]
async fn no_failure_of_the_network_shows_a_secret() {
    let garbage = format!("{CODE} {SECRET}\r\n\r\n").into_bytes();
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}\r\n");
    for act in [
        Act::Silence,
        Act::ResetHeard,
        Act::ResetUnheard,
        Act::Reply(Vec::new()),
        Act::Reply(garbage),
        Act::Reply(chunked.into_bytes()),
        Act::Reply(format!("HTTP/1.1 {SECRET}\r\n\r\n").into_bytes()),
    ] {
        check_silent(&log_in(&Server::start(vec![act])).await.unwrap_err());
    }
    for url in [
        "http://127.0.0.1:1",
        "http://wechat.invalid",
        "http://[::1]:1",
    ] {
        check_silent(&log_in_with(&client(url), CODE).await.unwrap_err());
    }
}

#[actix_web::test]
async fn an_identity_is_not_shown_by_debug() {
    let raw = format!(
        r#"{{"openid":"{OPENID}","session_key":"{SESSION_KEY}","unionid":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA"}}"#
    );
    let identity: Identity = log_in(&Server::start(vec![Act::json(&raw)])).await.unwrap();
    assert_eq!(
        format!("{identity:?}"),
        "Identity { openid: OpenId(***), session_key: Some(SessionKey(***)), unionid: Some(UnionId(***)), is_snapshot: false }"
    );
    assert!(!format!("{:?}", super::app()).contains(SECRET));
}
