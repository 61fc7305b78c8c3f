//! `GET /login/oauth/url` and `POST /login/oauth`: logins of websites and official accounts.

use std::net::TcpStream;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use reqwest::Url;
use serde_json::{Value, json};
use wechat_simulator::{Endpoint, Fault};

use crate::harness::{Reply, TestApp};
use crate::server::ask_over;

const PAGE: &str = "https://h5.example.com/login";
const OTHER_PAGE: &str = "https://h5.example.com/account?tab=1";

/// Starts with a mini program `shop`, a website `site` and an official account `news`.
async fn start() -> TestApp {
    let pages = format!("{PAGE},{OTHER_PAGE}");
    TestApp::serving_with(
        &["shop", "site", "news"],
        &[
            ("WEAPP_APPS__SITE__KIND", "website"),
            ("WEAPP_APPS__SITE__REDIRECTS", &pages),
            ("WEAPP_APPS__NEWS__KIND", "official_account"),
            ("WEAPP_APPS__NEWS__REDIRECTS", PAGE),
        ],
    )
    .await
}

/// Asks for the login page with this query.
async fn page(app: &TestApp, query: &str) -> Reply {
    let uri = format!("/login/oauth/url?{query}");
    app.call(TestRequest::get().uri(&uri)).await
}

/// Returns the state and the nonce of a new login page.
async fn state(app: &TestApp, name: &str) -> (Value, Value) {
    let reply = page(app, &format!("app={name}&redirect={PAGE}")).await;
    let data = reply.json()["data"].clone();
    assert_eq!(data["expires_in"], 600, "{}", reply.text);
    (data["state"].clone(), data["nonce"].clone())
}

/// Logs a user in on the simulator's page, and returns the code.
async fn code(app: &TestApp, name: &str, user: &str) -> String {
    let reply = page(app, &format!("app={name}&redirect={PAGE}")).await;
    let url = reply.json()["data"]["url"].as_str().unwrap().to_owned();
    let url = url.replace("https://open.weixin.qq.com", &app.wechat.base_url());
    let url = url.replace("#wechat_redirect", &format!("&simulator_user={user}"));
    let location = redirect_of(&Url::parse(&url).unwrap());
    assert!(location.as_str().starts_with(PAGE), "{location}");
    let mut pairs = location.query_pairs();
    let code = pairs.find(|(name, _)| name == "code").unwrap().1;
    code.into_owned()
}

/// Sends a request to the simulator, and returns the URL to which it redirects.
fn redirect_of(url: &Url) -> Url {
    let stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
    let target = format!("{}?{}", url.path(), url.query().unwrap());
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let reply = ask_over(stream, request.as_bytes());
    let location = reply.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then_some(value)
    });
    Url::parse(location.unwrap_or_else(|| panic!("{reply}"))).unwrap()
}

/// Logs a user in to a website.
pub(crate) async fn web_login(app: &TestApp, name: &str, user: &str) -> Reply {
    let (state, nonce) = state(app, name).await;
    let code = code(app, name, user).await;
    let body = json!({ "code": code, "app": name, "state": state, "nonce": nonce });
    log_in(app, body).await
}

async fn log_in(app: &TestApp, body: Value) -> Reply {
    let request = TestRequest::post().uri("/login/oauth").set_json(body);
    app.call(request).await
}

#[actix_rt::test]
async fn the_login_page_is_that_of_the_kind() {
    let app = start().await;
    for (query, start, scope) in [
        (
            "app=site&redirect=https://h5.example.com/login",
            "/connect/qrconnect",
            "snsapi_login",
        ),
        ("app=news", "/connect/oauth2/authorize", "snsapi_base"),
        (
            "app=news&consent=true",
            "/connect/oauth2/authorize",
            "snsapi_userinfo",
        ),
    ] {
        let reply = page(&app, query).await;
        let url = reply.json()["data"]["url"].as_str().unwrap().to_owned();
        let state = reply.json()["data"]["state"].as_str().unwrap().to_owned();
        assert!(
            url.starts_with(&format!("https://open.weixin.qq.com{start}?appid=wx")),
            "{url}"
        );
        let redirect = "redirect_uri=https%3A%2F%2Fh5.example.com%2Flogin&response_type=code";
        let rest = format!("&{redirect}&scope={scope}&state={state}#wechat_redirect");
        assert!(url.ends_with(&rest), "{url}");
        // WeChat allows 128 letters and digits.
        assert!(state.len() <= 128 && state.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}

#[actix_rt::test]
async fn only_listed_pages_and_web_apps_have_a_login_page() {
    let app = start().await;
    for (query, error) in [
        (
            "app=site&redirect=https://evil.example.com/login",
            "redirect_not_allowed",
        ),
        (
            "app=site&redirect=https://h5.example.com/login/",
            "redirect_not_allowed",
        ),
        (
            "app=site&redirect=https://h5.example.com/login%3Fa",
            "redirect_not_allowed",
        ),
        // Two pages are listed, so one must be named.
        ("app=site", "redirect_not_allowed"),
        ("app=shop", "app_of_another_kind"),
        ("app=nobody", "app_unknown"),
        // There are two.
        ("", "app_unknown"),
    ] {
        page(&app, query).await.assert_error(400, error);
    }
}

#[actix_rt::test]
async fn a_user_of_a_website_has_a_session_without_a_session_key() {
    let app = start().await;
    let login = web_login(&app, "site", "mei").await;
    let token = login.token();
    assert_eq!(login.json()["data"]["user"]["is_new"], true);
    let export = app.ask(Method::GET, "/user/export", &token).await;
    let openid = app.wechat.named_app("site").unwrap().openid("mei");
    assert_eq!(export.json()["data"]["user"]["openid"], openid);
    app.show_session(&token).await;
    for (method, path) in [
        (Method::GET, "/session/key"),
        (Method::POST, "/session/key/reset"),
    ] {
        let reply = app.ask(method, path, &token).await;
        reply.assert_error(409, "session_key_absent");
    }
    let encrypted =
        json!({ "encryptedData": "AAAAAAAAAAAAAAAAAAAAAA==", "iv": "AAAAAAAAAAAAAAAAAAAAAA==" });
    let decrypted = app.post("/user/decrypt", &token, encrypted).await;
    decrypted.assert_error(409, "session_key_absent");
    let phone = app
        .post("/user/phone", &token, json!({ "code": "a".repeat(64) }))
        .await;
    phone.assert_error(409, "session_key_absent");
    assert_eq!(app.requests_to(Endpoint::PhoneNumber), 0);
}

#[actix_rt::test]
async fn a_state_works_once_in_its_browser_for_its_app() {
    let app = start().await;
    let (mine, nonce) = state(&app, "site").await;
    let (other, other_nonce) = state(&app, "site").await;
    let (news, news_nonce) = state(&app, "news").await;
    let code = code(&app, "site", "mei").await;
    let body = |state: &Value, nonce: &Value| json!({ "code": code, "app": "site", "state": state, "nonce": nonce });
    for (state, nonce) in [
        (&Value::Null, &nonce),
        (&mine, &Value::Null),
        // Of another browser, in which an attacker began the login.
        (&mine, &other_nonce),
        (&other, &nonce),
        (&news, &news_nonce),
        (&json!("0".repeat(64)), &nonce),
        (&json!("é".repeat(32)), &nonce),
        (&json!(7), &nonce),
    ] {
        let reply = log_in(&app, body(state, nonce)).await;
        reply.assert_error(400, "state_invalid");
    }
    assert_eq!(app.requests_to(Endpoint::OauthToken), 0);
    log_in(&app, body(&mine, &nonce)).await.token();
    let replayed = log_in(&app, body(&mine, &nonce)).await;
    replayed.assert_error(400, "state_invalid");
    assert_eq!(app.requests_to(Endpoint::OauthToken), 1);
    let used = log_in(&app, body(&other, &other_nonce)).await;
    used.assert_error(401, "login_code_used");
}

#[actix_rt::test]
async fn each_app_logs_in_with_its_own_route() {
    let app = start().await;
    let (state, nonce) = state(&app, "site").await;
    let code = app.wechat.issue_code("mei");
    let body = json!({ "code": code, "app": "shop", "state": state, "nonce": nonce });
    log_in(&app, body)
        .await
        .assert_error(400, "app_of_another_kind");
    let web = self::code(&app, "site", "mei").await;
    let login = app.post_login(json!({ "code": web, "app": "site" })).await;
    login.assert_error(400, "app_of_another_kind");
    // The only mini program need not be named, although there are other apps.
    app.login(&code).await.token();
}

#[actix_rt::test]
async fn a_snapshot_page_creates_no_user() {
    let app = start().await;
    let (state, nonce) = state(&app, "news").await;
    let raw = r#"{"access_token":"t","expires_in":7200,"openid":"oVirtual","scope":"snsapi_base","is_snapshotuser":1}"#;
    app.wechat.fail_next(Endpoint::OauthToken, Fault::body(raw));
    let body = json!({ "code": "c".repeat(32), "app": "news", "state": state, "nonce": nonce });
    log_in(&app, body).await.assert_error(403, "snapshot_user");
    assert_eq!(app.rows_in("user"), 0);
}

#[actix_rt::test]
async fn a_website_user_deletes_themselves_with_a_code_of_the_login_page() {
    let app = start().await;
    let token = web_login(&app, "site", "mei").await.token();
    let foreign = code(&app, "site", "bo").await;
    let rejected = app.delete_user(&token, &foreign).await;
    rejected.assert_error(400, "proof_code_invalid");
    let own = code(&app, "site", "mei").await;
    app.delete_user(&token, &own).await.assert_data(json!({}));
}
