//! `GET /session` and `DELETE /session`.

use actix_web::test::TestRequest;
use serde_json::json;

use crate::harness::{TestApp, with_headers};

#[actix_rt::test]
async fn a_token_is_valid_until_the_logout() {
    let app = TestApp::start().await;
    let login = app.login(&app.wechat.issue_code("mei")).await;
    let (token, user) = (login.token(), login.user_id());
    let shown = app.show_session(&token).await;
    let times = &shown.json()["data"]["session"];
    shown.assert_data(json!({
        "session": {
            "created_at": times["created_at"],
            "ends_at": times["ends_at"],
            "expires_at": times["expires_at"],
        },
        "user": { "id": user, "created_at": times["created_at"] },
    }));
    let time = |name: &str| {
        times[name]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let hours = |name: &str| time(name).duration_since(time("created_at")).as_hours();
    assert_eq!((hours("ends_at"), hours("expires_at")), (3 * 24, 7 * 24));

    app.end_session(&token).await.assert_data(json!({}));
    app.show_session(&token)
        .await
        .assert_error(401, "session_required");
    // It is already gone.
    app.end_session(&token).await.assert_data(json!({}));
}

#[actix_rt::test]
async fn a_token_may_come_without_a_scheme() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    for (value, status) in [
        (token.clone(), 200),
        (format!(" {token} "), 200),
        (format!("bearer {token}"), 200),
        (format!("Token {token}"), 401),
        (token.replace("wxs_", ""), 401),
    ] {
        let request = TestRequest::get()
            .uri("/session")
            .insert_header(("authorization", value.as_str()));
        assert_eq!(app.call(request).await.status, status, "{value}");
    }
    let logout = TestRequest::delete()
        .uri("/session")
        .insert_header(("authorization", token.as_str()));
    assert_eq!(app.call(logout).await.status, 200);
    assert_eq!(app.show_session(&token).await.status, 401);
}

#[actix_rt::test]
async fn a_token_may_come_in_the_header_of_the_settings() {
    let app = TestApp::with(&[("WEAPP_SESSION__TOKEN_HEADER", "X-Token")]).await;
    let (token, other) = (app.token_of("mei").await, app.token_of("bo").await);
    let show = async |headers: &[(&str, &str)]| {
        let request = TestRequest::get().uri("/session");
        app.call(with_headers(request, headers)).await
    };
    let bearer = format!("Bearer {token}");
    for headers in [
        &[("x-token", token.as_str())][..],
        &[("X-TOKEN", bearer.as_str())],
        &[("x-token", token.as_str()), ("authorization", "Basic YTpi")],
        &[
            ("x-token", other.as_str()),
            ("authorization", bearer.as_str()),
        ],
    ] {
        let mine = app.show_session(&token).await.user_id();
        assert_eq!(show(headers).await.user_id(), mine, "{headers:?}");
    }
    assert_eq!(show(&[("x-other", &token)]).await.status, 401);
    let without = TestApp::start().await;
    let token = without.token_of("mei").await;
    let request = TestRequest::get()
        .uri("/session")
        .insert_header(("x-token", token.as_str()));
    assert_eq!(without.call(request).await.status, 401);
}

#[actix_rt::test]
async fn a_second_device_gets_a_second_session() {
    let app = TestApp::start().await;
    let (phone, tablet) = (app.token_of("mei").await, app.token_of("mei").await);
    app.end_session(&phone).await;
    assert_eq!(app.show_session(&tablet).await.status, 200);
}

#[actix_rt::test]
async fn an_eleventh_login_ends_the_oldest_session() {
    let app = TestApp::start().await;
    let mut tokens = Vec::new();
    for _ in 0..11 {
        tokens.push(app.token_of("mei").await);
    }
    app.show_session(&tokens[0])
        .await
        .assert_error(401, "session_required");
    assert_eq!(app.show_session(&tokens[1]).await.status, 200);
}

#[actix_rt::test]
async fn all_invalid_tokens_get_the_same_response() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    let ended = app.token_of("bo").await;
    app.end_session(&ended).await;
    let mut replies = vec![app.call(TestRequest::get().uri("/session")).await];
    for header in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {token}"),
        format!("{token}x"),
        format!("Bearer {token}x"),
        format!("Bearer {ended}"),
        "Bearer wxs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    ] {
        let request = TestRequest::get()
            .uri("/session")
            .insert_header(("authorization", header));
        replies.push(app.call(request).await);
    }
    for reply in replies {
        let mut rejected = reply.assert_error(401, "session_required");
        rejected["request_id"] = json!(null);
        assert_eq!(
            rejected,
            json!({
                "code": 401,
                "error": "session_required",
                "message": "There is no live session: call wx.login, POST the code to /login, and send the token as \
                            Authorization: Bearer.",
                "request_id": null,
            })
        );
    }
    let lower = TestRequest::get()
        .uri("/session")
        .insert_header(("authorization", format!("bearer {token}")));
    assert_eq!(app.call(lower).await.status, 200);
}

#[actix_rt::test]
async fn a_store_failure_ends_no_session() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.parts.store().close().await.unwrap();
    for reply in [
        app.show_session(&token).await,
        app.end_session(&token).await,
        app.login(&app.wechat.issue_code("mei")).await,
        app.call(TestRequest::get().uri("/readyz")).await,
    ] {
        reply.assert_error(503, "store_unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    assert_eq!(app.call(TestRequest::get().uri("/livez")).await.status, 200);
}

#[actix_rt::test]
async fn a_draining_server_is_live_but_not_ready() {
    let app = TestApp::start().await;
    assert_eq!(
        app.call(TestRequest::get().uri("/readyz")).await.status,
        200
    );
    app.parts.readiness().drain();
    app.call(TestRequest::get().uri("/readyz"))
        .await
        .assert_error(503, "draining");
    assert_eq!(app.call(TestRequest::get().uri("/livez")).await.status, 200);
    let token = app.token_of("mei").await;
    assert_eq!(app.show_session(&token).await.status, 200);
}
