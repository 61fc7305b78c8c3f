//! The calls that need no login code: access token, phone number, session key. Happy and unhappy, from raw bytes.

use std::time::Duration;

use crate::identity::{AccessTokenText, AppId, OpenId, PhoneCode, PhoneNumber, SessionKey};
use crate::platforms::wechat::session_key::signature;
use crate::platforms::wechat::tests::server::{Act, Server, closed_port};
use crate::platforms::wechat::tests::{
    APP_ID, BUSY, CODE, OPENID, SECRET, SESSION_KEY, app, client,
};
use crate::platforms::{
    AccessToken, ConnectError, Error, InvalidReply, Reason, SessionKeyReset, SessionKeyStatus,
};

pub(crate) const TOKEN: &str = "57_0f9e8d7c6b5a49382716f5e4d3c2b1a0-token";
pub(crate) const PHONE_CODE: &str =
    "e31968a7f94cc5ee25fafc2aef2773f0bb8c3937b22520eb8ee345274d00c144";
const NEW_KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";
const PHONE: &str = r#"{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"+8613580006666","purePhoneNumber":"13580006666","countryCode":86,"watermark":{"timestamp":1637744274,"appid":"wx4f4bc4dec97d474b"}}}"#;

pub(crate) async fn fetch_token(server: &Server) -> Result<AccessToken, Error> {
    client(&server.url).stable_access_token(&app()).await
}

pub(crate) async fn ask_phone(url: &str) -> Result<PhoneNumber, Error> {
    ask_phone_with(url, PHONE_CODE).await
}

async fn ask_phone_with(url: &str, code: &str) -> Result<PhoneNumber, Error> {
    let (token, openid) = (AccessTokenText::new(TOKEN), OpenId::new(OPENID));
    let code = PhoneCode::parse(code).unwrap();
    let app_id = AppId::new(APP_ID);
    client(url)
        .phone_number(&app_id, &token, &code, &openid)
        .await
}

pub(crate) async fn check_key(server: &Server) -> Result<SessionKeyStatus, Error> {
    let (token, openid) = (AccessTokenText::new(TOKEN), OpenId::new(OPENID));
    let key = SessionKey::new(SESSION_KEY);
    client(&server.url)
        .check_session_key(&AppId::new(APP_ID), &token, &openid, &key)
        .await
}

pub(crate) async fn reset_key(server: &Server) -> Result<SessionKeyReset, Error> {
    let (token, openid) = (AccessTokenText::new(TOKEN), OpenId::new(OPENID));
    let key = SessionKey::new(SESSION_KEY);
    client(&server.url)
        .reset_session_key(&AppId::new(APP_ID), &token, &openid, &key)
        .await
}

#[track_caller]
fn check_request(server: &Server, line: &str, body: &serde_json::Value) {
    let head = server.first_request();
    assert!(head.starts_with(line), "{head}");
    let seen = server.seen.borrow();
    if body.is_null() {
        assert_eq!(seen.bodies[0], "");
    } else {
        assert!(
            head.contains("content-type: application/json\r\n"),
            "{head}"
        );
        let sent: serde_json::Value = serde_json::from_str(&seen.bodies[0]).unwrap();
        assert_eq!(sent, *body);
    }
}

/// Asserts that an answer is invalid.
#[track_caller]
fn check_flaw<T: std::fmt::Debug>(outcome: Result<T, Error>, flaw: InvalidReply) {
    let error = Error::InvalidReply { status: 200, flaw };
    assert_eq!(outcome.unwrap_err(), error);
}

#[actix_web::test]
async fn a_token_is_fetched_without_invalidating_the_old_one() {
    let server = Server::replying(&[&format!(r#"{{"access_token":"{TOKEN}","expires_in":345}}"#)]);
    let token = fetch_token(&server).await.unwrap();
    assert_eq!(token.token.expose(), TOKEN);
    assert_eq!(token.expires_in, Duration::from_secs(345));
    let body = serde_json::json!({
        "grant_type": "client_credential", "appid": APP_ID, "secret": SECRET, "force_refresh": false,
    });
    check_request(&server, "POST /cgi-bin/stable_token HTTP/1.1\r\n", &body);
}

#[actix_web::test]
async fn the_lifetime_of_a_token_is_at_most_two_hours() {
    for (expires_in, seconds) in [
        ("7200", 7200),
        (r#""7200""#, 7200),
        ("99999", 7200),
        ("-1", 0),
    ] {
        let body = format!(r#"{{"access_token":"{TOKEN}","expires_in":{expires_in}}}"#);
        let token = fetch_token(&Server::replying(&[&body])).await.unwrap();
        assert_eq!(
            token.expires_in,
            Duration::from_secs(seconds),
            "{expires_in}"
        );
    }
    let body = format!(r#"{{"access_token":"{TOKEN}"}}"#);
    check_flaw(
        fetch_token(&Server::replying(&[&body])).await,
        InvalidReply::Missing("expires_in"),
    );
    let body = r#"{"access_token":"","expires_in":7200}"#;
    check_flaw(
        fetch_token(&Server::replying(&[body])).await,
        InvalidReply::Missing("access_token"),
    );
}

#[actix_web::test]
async fn a_token_fetch_is_retried_after_a_busy_reply() {
    let body = format!(r#"{{"access_token":"{TOKEN}","expires_in":7200}}"#);
    let server = Server::replying(&[BUSY, &body]);
    assert_eq!(fetch_token(&server).await.unwrap().token.expose(), TOKEN);
}

#[actix_web::test]
async fn a_phone_number_request_includes_the_openid() {
    let server = Server::replying(&[PHONE]);
    let number = ask_phone(&server.url).await.unwrap();
    assert_eq!(number.phone_number.expose(), "+8613580006666");
    assert_eq!(number.pure_phone_number.expose(), "13580006666");
    assert_eq!(number.country_code, "86");
    assert_eq!(number.watermark.app_id.as_str(), APP_ID);
    assert_eq!(number.watermark.unix_seconds, 1_637_744_274);
    let line = format!("POST /wxa/business/getuserphonenumber?access_token={TOKEN} HTTP/1.1\r\n");
    check_request(
        &server,
        &line,
        &serde_json::json!({"code": PHONE_CODE, "openid": OPENID}),
    );
    let as_text = PHONE.replace(":86", r#":"86""#).replace("+86", "+86 ");
    let number = ask_phone(&Server::replying(&[&as_text]).url).await.unwrap();
    assert_eq!(number.country_code, "86");
    assert_eq!(number.phone_number.expose(), "+86 13580006666");
}

#[actix_web::test]
async fn a_phone_code_is_sent_once() {
    for act in [
        Act::json(BUSY),
        Act::Silence,
        Act::ResetHeard,
        Act::json("{"),
    ] {
        let server = Server::start(vec![act, Act::json(PHONE)]);
        let error = ask_phone(&server.url).await.unwrap_err();
        assert!(error.may_have_been_processed(), "{error}");
        assert_eq!(server.requests(), 1, "{error}");
    }
    let (_held, url) = closed_port();
    let error = ask_phone(&url).await.unwrap_err();
    assert_eq!(error, Error::Unreachable(ConnectError::Refused));
    assert!(!error.may_have_been_processed());
}

#[actix_web::test]
async fn a_phone_number_of_another_app_is_rejected() {
    let foreign = PHONE.replace(APP_ID, "wx0000000000000000");
    check_flaw(
        ask_phone(&Server::replying(&[&foreign]).url).await,
        InvalidReply::Foreign("watermark"),
    );
    for (body, missing) in [
        (r#"{"errcode":0}"#.to_owned(), "phone_info"),
        (PHONE.replace("watermark", "x"), "watermark"),
        (PHONE.replace("purePhoneNumber", "x"), "purePhoneNumber"),
        (PHONE.replace(":86", ":{}"), "countryCode"),
        (PHONE.replace("+861358000", r"\n1358000"), "phoneNumber"),
    ] {
        check_flaw(
            ask_phone(&Server::replying(&[&body]).url).await,
            InvalidReply::Missing(missing),
        );
    }
}

#[actix_web::test]
async fn a_login_code_is_recognized_in_place_of_a_phone_code() {
    let server = Server::replying(&[r#"{"errcode":40029,"errmsg":"invalid code"}"#]);
    let outcome = ask_phone_with(&server.url, CODE).await;
    let error = outcome.unwrap_err();
    assert!(
        error.to_string().contains("no phone number code"),
        "{error}"
    );
}

#[actix_web::test]
async fn a_rejected_token_has_its_own_reason() {
    for errcode in [40001, 40014, 42001] {
        let server = Server::replying(&[&format!(r#"{{"errcode":{errcode}}}"#)]);
        assert!(ask_phone(&server.url).await.unwrap_err().reason() == Some(Reason::TokenInvalid));
        assert!(check_key(&server).await.unwrap_err().reason() == Some(Reason::TokenInvalid));
        assert!(reset_key(&server).await.unwrap_err().reason() == Some(Reason::TokenInvalid));
    }
    let server = Server::replying(&[r#"{"errcode":40013}"#]);
    assert_ne!(
        ask_phone(&server.url).await.unwrap_err().reason(),
        Some(Reason::TokenInvalid)
    );
}

#[test]
fn the_signature_is_the_documented_one() {
    let body_key = SessionKey::new("o0q0otL8aEzpcZL/FT9WsQ==");
    assert_eq!(
        signature(&body_key, br#"{"foo":"bar"}"#),
        "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b"
    );
    for (key, expected) in [
        (
            "o0q0otL8aEzpcZL/FT9WsQ==",
            "46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128",
        ),
        (
            SESSION_KEY,
            "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735",
        ),
        (
            NEW_KEY,
            "252b75c92698025afe925b29cca5517fdf9ee67aae072cf3225ebf3a53783058",
        ),
    ] {
        assert_eq!(signature(&SessionKey::new(key), b""), expected, "{key}");
    }
}

const SIGNED: &str = "access_token=57_0f9e8d7c6b5a49382716f5e4d3c2b1a0-token&openid=oGZUI0egBJY1zhBYw2KhdUfwVJJE&signature=7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735&sig_method=hmac_sha256";

#[actix_web::test]
async fn a_key_is_valid_or_stale() {
    let server = Server::replying(&[r#"{"errcode":0,"errmsg":"ok"}"#]);
    assert_eq!(check_key(&server).await, Ok(SessionKeyStatus::Valid));
    let line = format!("GET /wxa/checksession?{SIGNED} HTTP/1.1\r\n");
    check_request(&server, &line, &serde_json::Value::Null);
    for errcode in [87007, 87009] {
        let server = Server::replying(&[&format!(r#"{{"errcode":{errcode},"errmsg":"no"}}"#)]);
        assert_eq!(check_key(&server).await, Ok(SessionKeyStatus::Stale));
        assert_eq!(reset_key(&server).await, Ok(SessionKeyReset::Stale));
    }
    let server = Server::replying(&[r#"{"errcode":87008}"#]);
    let error = check_key(&server).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason, Reason::InvalidRequest);
    check_flaw(
        check_key(&Server::replying(&["<html>"])).await,
        InvalidReply::NotJson,
    );
}

#[actix_web::test]
async fn a_key_is_replaced_once_and_only_for_its_own_user() {
    let body =
        format!(r#"{{"errcode":0,"errmsg":"ok","openid":"{OPENID}","session_key":"{NEW_KEY}"}}"#);
    let server = Server::replying(&[&body]);
    let renewed = SessionKeyReset::Renewed(SessionKey::new(NEW_KEY));
    assert_eq!(reset_key(&server).await, Ok(renewed));
    let line = format!("GET /wxa/resetusersessionkey?{SIGNED} HTTP/1.1\r\n");
    check_request(&server, &line, &serde_json::Value::Null);
    let foreign = Server::replying(&[&body.replace(OPENID, "oAAAAAAAAAAAAAAAAAAAAAAAAAAA")]);
    check_flaw(reset_key(&foreign).await, InvalidReply::Foreign("openid"));
    let lost = Server::replying(&[&body.replace("session_key", "x")]);
    check_flaw(reset_key(&lost).await, InvalidReply::Missing("session_key"));
    let busy = Server::replying(&[BUSY, &body]);
    assert!(reset_key(&busy).await.is_err());
    assert_eq!(busy.requests(), 1);
}
