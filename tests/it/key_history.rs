//! The session keys that a new session takes over from the previous one.

use actix_web::http::header::AUTHORIZATION;
use weapp_login::identity::SessionKey;
use wechat_simulator::Options;

use crate::harness::{TestApp, bearer, now};

/// Logs in with the previous token. Returns the new token and WeChat's new session key.
async fn log_in_after(app: &TestApp, user: &str, previous: &str) -> (String, String) {
    let code = app.wechat.issue_code(user);
    let (_, authorization) = bearer(previous);
    let headers = [(AUTHORIZATION.as_str(), &*authorization)];
    let token = app.login_with(&code, &headers).await.token();
    (token, app.wechat.session_key(user).unwrap())
}

async fn keys(app: &TestApp, token: &str) -> Vec<String> {
    let live = app.live(token).await.unwrap();
    let keys = live.session_keys();
    let newest = live.session_key();
    assert_eq!(newest.as_ref(), keys.first());
    keys.iter().map(|key| key.expose().to_owned()).collect()
}

#[actix_rt::test]
async fn a_login_with_the_previous_token_takes_over_its_keys() {
    let app = TestApp::start().await;
    let (first, a) = log_in_after(&app, "mei", "none").await;
    assert_eq!(Options::new(7).session_keys.rotation_percent, 100);
    let (second, b) = log_in_after(&app, "mei", &first).await;
    assert_eq!(keys(&app, &second).await, [b.clone(), a.clone()]);
    let (third, c) = log_in_after(&app, "mei", &second).await;
    assert_eq!(keys(&app, &third).await, [c.clone(), b.clone(), a]);
    let (fourth, d) = log_in_after(&app, "mei", &third).await;
    assert_eq!(keys(&app, &fourth).await, [d, c, b], "at most three");
    for replaced in [first, second, third] {
        let shown = app.show_session(&replaced).await;
        shown.assert_error(401, "session_required");
    }
}

#[actix_rt::test]
async fn a_history_of_one_holds_the_newest_key_only() {
    let app = TestApp::with(&[("WEAPP_SESSION__KEY_HISTORY", "1")]).await;
    let (first, _) = log_in_after(&app, "mei", "none").await;
    let (second, key) = log_in_after(&app, "mei", &first).await;
    assert_eq!(keys(&app, &second).await, [key]);
}

#[actix_rt::test]
async fn an_unusable_previous_token_does_not_prevent_a_login() {
    let app = TestApp::start().await;
    let (ended, _) = log_in_after(&app, "mei", "none").await;
    app.end_session(&ended).await;
    let bo = app.token_of("bo").await;
    for previous in ["", "x", "wxs_AAAA", &ended, &bo] {
        let (token, key) = log_in_after(&app, "mei", previous).await;
        assert_eq!(keys(&app, &token).await, [key], "{previous}");
    }
    assert_eq!(keys(&app, &bo).await.len(), 1);
}

#[actix_rt::test]
async fn keys_are_not_taken_over_from_another_mini_program() {
    let app = TestApp::serving(&["shop", "desk"]).await;
    let mut previous = String::new();
    for name in ["shop", "desk", "shop"] {
        let wechat = app.wechat.named_app(name).unwrap();
        let code = wechat.issue_code("mei");
        let id = wechat.id();
        let referer = format!("https://servicewechat.com/{id}/0/page-frame.html");
        let (_, authorization) = bearer(&previous);
        let headers = [("referer", &*referer), ("authorization", &*authorization)];
        previous = app.login_with(&code, &headers).await.token();
        let key = wechat.session_key("mei").unwrap();
        assert_eq!(keys(&app, &previous).await, [key]);
    }
}

#[actix_rt::test]
async fn a_reset_replaces_the_newest_key_of_a_live_session() {
    let app = TestApp::start().await;
    let (first, a) = log_in_after(&app, "mei", "none").await;
    let (second, _) = log_in_after(&app, "mei", &first).await;
    let live = app.live(&second).await.unwrap();
    let replace = |key: &str| {
        let sessions = app.parts.sessions();
        sessions.replace_session_key(&live, SessionKey::new(key))
    };
    assert!(replace("new==").await.unwrap());
    assert_eq!(keys(&app, &second).await, ["new==".to_owned(), a]);
    app.end_session(&second).await;
    assert!(!replace("late==").await.unwrap());
    let token = weapp_login::session::Token::parse(&second).unwrap();
    let found = app.parts.sessions().check(&token, now()).await.unwrap();
    assert!(found.is_none(), "the ended session is back");
}
