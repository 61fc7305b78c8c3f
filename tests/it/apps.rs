//! Several mini programs on one backend.

use std::collections::{HashMap, HashSet};

use actix_web::test::TestRequest;
use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::json;
use wechat_simulator::App;

use crate::harness::{Reply, TestApp};

const NAMES: [&str; 3] = ["shop", "desk", "game"];

fn id_of(name: &str) -> String {
    App::named(7, name).id
}

fn referer_of(app_id: &str) -> String {
    format!("https://servicewechat.com/{app_id}/devtools/page-frame.html")
}

fn code_in(app: &TestApp, name: &str, user: &str) -> String {
    app.wechat.named_app(name).unwrap().issue_code(user)
}

async fn log_in(app: &TestApp, code: &str, named: Option<&str>, referer: Option<&str>) -> Reply {
    let mut body = json!({ "code": code });
    if let Some(named) = named {
        body["app"] = json!(named);
    }
    let mut request = TestRequest::post().uri("/login").set_json(body);
    if let Some(referer) = referer {
        request = request.insert_header(("referer", referer));
    }
    app.call(request).await
}

#[actix_rt::test]
async fn the_app_comes_from_the_body_or_else_from_the_referer() {
    let app = TestApp::serving(&NAMES).await;
    let (desk, shop) = (referer_of(&id_of("desk")), referer_of(&id_of("shop")));
    for (named, referer) in [
        (Some("desk".to_owned()), None),
        (Some(id_of("desk")), None),
        (None, Some(&*desk)),
        (Some("desk".to_owned()), Some(&*shop)),
        (
            Some("desk".to_owned()),
            Some("https://servicewechat.com/wxffffffffffffffff/0/page-frame.html"),
        ),
    ] {
        let code = code_in(&app, "desk", "mei");
        let token = log_in(&app, &code, named.as_deref(), referer).await.token();
        let live = app.live(&token).await.unwrap();
        assert_eq!(
            live.app().id().as_str(),
            id_of("desk"),
            "{named:?} {referer:?}"
        );
    }
}

#[actix_rt::test]
async fn an_ambiguous_app_is_an_error_that_lists_none() {
    let app = TestApp::serving(&NAMES).await;
    let unknown = referer_of("wxffffffffffffffff");
    let tourist = referer_of("touristappid");
    let http = referer_of(&id_of("shop")).replace("https", "http");
    for (named, referer) in [
        (None, None),
        (Some("other"), None),
        (Some("other"), Some(referer_of(&id_of("shop")))),
        (None, Some(unknown)),
        (None, Some(tourist)),
        (None, Some(http)),
        (None, Some("https://example.org/".to_owned())),
    ] {
        let code = code_in(&app, "shop", "mei");
        let reply = log_in(&app, &code, named, referer.as_deref()).await;
        let rejected = reply.assert_error(400, "app_unknown");
        let sentence = "The server does not know which mini program this login is for, and its log lists those that it knows: send \
             the name or AppID of one as app.";
        let whole = json!({
            "code": 400, "error": "app_unknown", "message": sentence, "request_id": rejected["request_id"],
        });
        assert_eq!(rejected, whole, "{named:?} {referer:?}");
    }
    assert!(app.wechat.requests().is_empty());
}

#[actix_rt::test]
async fn a_single_app_is_the_default() {
    let app = TestApp::start().await;
    for referer in [
        None,
        Some(referer_of("touristappid")),
        Some(referer_of("wxffffffffffffffff")),
        Some(referer_of(app.wechat.app_id())),
        Some("https://example.org/".to_owned()),
    ] {
        let code = app.wechat.issue_code("mei");
        log_in(&app, &code, None, referer.as_deref()).await.token();
    }
}

#[actix_rt::test]
async fn a_login_from_an_unknown_mini_program_is_rejected() {
    let app = TestApp::serving(&["shop"]).await;
    let unknown = referer_of("wxffffffffffffffff");
    let code = code_in(&app, "shop", "mei");
    let reply = log_in(&app, &code, None, Some(&unknown)).await;
    reply.assert_error(400, "app_unknown");
    assert!(app.wechat.requests().is_empty());
    for (named, referer) in [
        (Some("shop"), &unknown),
        (None, &referer_of("touristappid")),
    ] {
        let code = code_in(&app, "shop", "mei");
        log_in(&app, &code, named, Some(referer)).await.token();
    }
}

#[actix_rt::test]
async fn a_code_of_another_app_is_rejected() {
    let app = TestApp::serving(&NAMES).await;
    let code = code_in(&app, "shop", "mei");
    let reply = log_in(&app, &code, Some("desk"), None).await;
    reply.assert_error(401, "login_code_invalid");
}

/// A login: the app, the user, and the way the app is named.
type Step = (usize, u8, u8);

/// Logs in concurrently. Every token belongs to its own user in its own app.
async fn interleave(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let app = TestApp::serving(&NAMES).await;
    let logins = steps.iter().map(|&(name, user, how)| {
        let (app, name) = (&app, NAMES[name]);
        async move {
            let code = code_in(app, name, &user.to_string());
            let (id, referer) = (id_of(name), referer_of(&id_of(name)));
            let (named, referer) = match how {
                0 => (Some(name), None),
                1 => (Some(&*id), None),
                _ => (None, Some(&*referer)),
            };
            log_in(app, &code, named, referer).await
        }
    });
    let replies = join_all(logins).await;
    let mut users = HashMap::new();
    for (&(name, user, _), reply) in steps.iter().zip(&replies) {
        let live = app.live(&reply.token()).await.unwrap();
        let id = id_of(NAMES[name]);
        let wechat = app.wechat.app(&id).unwrap();
        prop_assert_eq!(live.app().id().as_str(), &id);
        prop_assert_eq!(live.session().app.as_str(), &id);
        let openid = live.openid().unwrap();
        prop_assert_eq!(openid.expose(), wechat.openid(&user.to_string()));
        prop_assert_eq!(live.user().id.to_string(), reply.user_id());
        let known = users.entry((name, user)).or_insert_with(|| reply.user_id());
        prop_assert_eq!(&*known, &reply.user_id());
    }
    let distinct: HashSet<_> = users.values().collect();
    prop_assert_eq!(distinct.len(), users.len(), "one user in two apps is two");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn interleaved_apps_are_never_mixed_up(
        steps in prop::collection::vec((0..NAMES.len(), 0..3_u8, 0..3_u8), 1..16),
    ) {
        actix_rt::System::new().block_on(interleave(steps))?;
    }
}
