//! Nothing secret leaves by an error of the calls that need an access token.

use crate::platforms::wechat::tests::calls::{
    PHONE_CODE, TOKEN, ask_phone, check_key, fetch_token, reset_key,
};
use crate::platforms::wechat::tests::secrets::check_silent;
use crate::platforms::wechat::tests::server::{Act, Server, http};
use crate::platforms::wechat::tests::{OPENID, SECRET, SESSION_KEY};
use crate::platforms::{AccessToken, Error, SessionKeyReset};

const NUMBER: &str = "13580006666";

/// Asserts that none of the calls shows anything when WeChat does this.
async fn check_calls(act: Act) {
    let server = Server::start(vec![act]);
    let errors: Vec<Error> = [
        fetch_token(&server).await.err(),
        ask_phone(&server.url).await.err(),
        check_key(&server).await.err(),
        reset_key(&server).await.err(),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(errors.len() >= 2, "the reply was to be no success");
    errors.iter().for_each(check_silent);
    for last in errors {
        let retry_after = std::time::Duration::from_secs(1);
        let last = Box::new(last);
        check_silent(&Error::CircuitOpen { retry_after, last });
    }
}

/// A reply that says everything secret.
fn echo(before: &str) -> String {
    format!(
        r#"{{{before}"errmsg":"{TOKEN} {PHONE_CODE} {NUMBER} {OPENID} {SESSION_KEY} rid: {TOKEN} req_id: {NUMBER}{PHONE_CODE} http://u/wxa/x?access_token={TOKEN}","phone_info":{{"phoneNumber":"{NUMBER}","purePhoneNumber":{NUMBER}}},"openid":"o-{OPENID}","session_key":"{SESSION_KEY}"}}"#
    )
}

#[actix_web::test]
async fn no_rejection_shows_a_secret() {
    for errcode in [-1, 40001, 40013, 40029, 45009, 45011, 87008, 99999] {
        check_calls(Act::json(&echo(&format!(r#""errcode":{errcode},"#)))).await;
    }
}

#[actix_web::test]
async fn no_failure_shows_a_secret() {
    let echo = echo("");
    let location = format!("302 Found\r\nLocation: http://127.0.0.1:1/?access_token={TOKEN}");
    for act in [
        Act::json(&echo),
        Act::json(echo.trim_end_matches('}')),
        Act::status(&format!("502 {TOKEN}"), &format!("<html>{NUMBER}</html>")),
        Act::Reply(http(&location, b"")),
        Act::ResetHeard,
        Act::Reply(format!("{TOKEN} {NUMBER}\r\n\r\n").into_bytes()),
    ] {
        check_calls(act).await;
    }
}

#[actix_web::test]
async fn successes_are_not_shown_by_debug() {
    let body = format!(r#"{{"access_token":"{TOKEN}","expires_in":7200}}"#);
    let token: AccessToken = fetch_token(&Server::start(vec![Act::json(&body)]))
        .await
        .unwrap();
    assert_eq!(
        format!("{token:?}"),
        "AccessToken { token: AccessTokenText(***), expires_in: 7200s }"
    );
    let body = format!(r#"{{"errcode":0,"openid":"{OPENID}","session_key":"{SECRET}"}}"#);
    let reset: SessionKeyReset = reset_key(&Server::start(vec![Act::json(&body)]))
        .await
        .unwrap();
    assert_eq!(format!("{reset:?}"), "Renewed(SessionKey(***))");
}
