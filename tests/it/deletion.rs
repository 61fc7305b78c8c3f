//! `DELETE /user` and `GET /user/export`.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;
use wechat_simulator::{Endpoint, Fault};

use crate::harness::TestApp;

async fn status(app: &TestApp, token: &str) -> u16 {
    app.show_session(token).await.status.as_u16()
}

#[actix_rt::test]
async fn a_deleted_user_is_gone_and_the_next_login_creates_another() {
    let app = TestApp::start().await;
    let (first, bo) = (app.token_of("mei").await, app.token_of("bo").await);
    let second = app.login(&app.wechat.issue_code("mei")).await;
    let (user, second) = (second.user_id(), second.token());
    app.post("/user", &first, json!({})).await;

    let code = app.wechat.issue_code("mei");
    app.delete_user(&first, &code).await.assert_data(json!({}));
    for (token, expected) in [(&first, 401), (&second, 401), (&bo, 200)] {
        assert_eq!(status(&app, token).await, expected);
    }
    assert_eq!((app.rows_in("user"), app.rows_in("session")), (1, 1));

    let again = app.login(&app.wechat.issue_code("mei")).await;
    assert_eq!(again.json()["data"]["user"]["is_new"], true);
    assert_ne!(again.user_id(), user);
}

#[actix_rt::test]
async fn only_a_new_code_of_the_same_user_deletes() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let used = app.wechat.issue_code("mei");
    app.login(&used).await;
    let of_another = app.wechat.issue_code("bo");
    for (body, error) in [
        (json!({}), "code_missing"),
        (json!({ "code": 7 }), "code_malformed"),
        (json!({ "code": used }), "proof_code_invalid"),
        (json!({ "code": of_another }), "proof_code_invalid"),
    ] {
        let request = TestRequest::delete().uri("/user");
        let reply = app.send(request, &token, body.clone()).await;
        reply.assert_error(400, error);
        assert_eq!(status(&app, &token).await, 200, "{body}");
    }
    app.wechat
        .fail_always(Endpoint::Code2Session, Fault::errcode(-1));
    let code = app.wechat.issue_code("mei");
    let reply = app.delete_user(&token, &code).await;
    reply.assert_error(503, "platform_busy");
    assert_eq!(status(&app, &token).await, 200);
    let reply = app.delete_user("wxs_unknown", &code).await;
    reply.assert_error(401, "session_required");
}

#[actix_rt::test]
async fn an_export_has_everything_that_is_stored_of_one_user() {
    let app = TestApp::start().await;
    let (token, other) = (app.token_of("mei").await, app.token_of("mei").await);
    app.token_of("bo").await;
    let profile = json!({ "nickname": "小美", "avatar_url": "https://a/b" });
    app.put_user(&token, profile).await;

    let reply = app.ask(Method::GET, "/user/export", &token).await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let live = app.live(&token).await.unwrap();
    let mut sessions = Vec::new();
    for token in [&other, &token] {
        let live = app.live(token).await.unwrap();
        let session = live.session();
        sessions.push(json!({
            "id": session.id.to_string(),
            "app": session.app.as_str(),
            "device": session.device.as_str(),
            "created_at": format!("{:.3}", session.created_at),
            "last_seen": format!("{:.3}", session.last_seen),
            "ends_at": format!("{:.3}", session.created_at + jiff::SignedDuration::from_hours(72)),
        }));
    }
    reply.assert_data(json!({
        "identities": [{
            "id": live.user().id.to_string(),
            "app": app.wechat.app_id(),
            "openid": live.openid().unwrap().expose(),
            "unionid": live.unionid().map(|id| id.expose().to_owned()),
            "created_at": format!("{:.3}", live.user().created_at),
        }],
        "user": {
            "id": live.user().id.to_string(),
            "openid": live.openid().unwrap().expose(),
            "unionid": live.unionid().map(|id| id.expose().to_owned()),
            "nickname": "小美",
            "avatar_url": "https://a/b",
            "created_at": format!("{:.3}", live.user().created_at),
        },
        "sessions": sessions,
    }));
}
