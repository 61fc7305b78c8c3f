//! Logins in a browser with `sns/oauth2`, and through a third-party platform.

use super::control::{NOTHING, control};
use super::*;

const AUTHORIZE: &str = "/connect/oauth2/authorize";

fn page(wechat: &Simulator, path: &str, scope: &str) -> String {
    let id = wechat.app_id();
    let target = "https%3A%2F%2Fexample.com%2Fcallback%3Fa%3D1";
    format!(
        "{path}?appid={id}&redirect_uri={target}&response_type=code&scope={scope}&state=xyz&simulator_user=mei"
    )
}

/// Follows the page of consent to the code.
#[track_caller]
fn consent(wechat: &Simulator, path: &str, scope: &str) -> String {
    let reply = request(wechat, "GET", &page(wechat, path, scope));
    assert_eq!(reply.status, "HTTP/1.1 302 Found", "{}", reply.body);
    let start = "https://example.com/callback?a=1&code=";
    let rest = reply.location.strip_prefix(start).unwrap();
    rest.strip_suffix("&state=xyz").unwrap().to_owned()
}

fn exchange(wechat: &Simulator, code: &str) -> Value {
    let (id, secret) = (wechat.app_id(), wechat.app_secret());
    let query = format!("appid={id}&secret={secret}&code={code}&grant_type=authorization_code");
    get(wechat, &format!("/sns/oauth2/access_token?{query}"))
}

fn text<'a>(reply: &'a Value, name: &str) -> &'a str {
    reply[name].as_str().unwrap()
}

#[actix_web::test]
async fn the_page_redirects_with_a_code_that_works_once() {
    let wechat = simulator_with_unionids().await;
    for (path, scope) in [
        (AUTHORIZE, "snsapi_userinfo"),
        ("/connect/qrconnect", "snsapi_login"),
    ] {
        let code = consent(&wechat, path, scope);
        let tokens = exchange(&wechat, &code);
        assert_eq!(text(&tokens, "openid"), wechat.openid("mei"));
        assert_eq!(text(&tokens, "unionid"), wechat.unionid("mei").unwrap());
        assert_eq!(
            (text(&tokens, "scope"), &tokens["expires_in"]),
            (scope, &json!(7200))
        );
        assert_eq!(exchange(&wechat, &code), error(40163, "code been used"));
        let query = format!(
            "access_token={}&openid={}",
            text(&tokens, "access_token"),
            text(&tokens, "openid")
        );
        let profile = get(&wechat, &format!("/sns/userinfo?{query}"));
        assert_eq!(text(&profile, "nickname"), wechat.user("mei").nickname);
        assert_eq!(errcode(&get(&wechat, &format!("/sns/auth?{query}"))), 0);
    }
    assert_eq!(
        exchange(&wechat, UNISSUED_CODE),
        error(40029, "invalid code")
    );
    let late = consent(&wechat, AUTHORIZE, "snsapi_base");
    wechat.advance(Duration::from_mins(5));
    assert_eq!(errcode(&exchange(&wechat, &late)), 40029);
}

#[actix_web::test]
async fn the_page_lists_the_users_and_escapes_what_it_shows() {
    let wechat = simulator().await;
    wechat.update_user("mei", |_| ());
    let whole = page(&wechat, AUTHORIZE, "snsapi_base");
    let asked = whole.replace("&simulator_user=mei", "&x=%3Cscript%3E%22");
    let reply = request(&wechat, "GET", &asked);
    assert_eq!(reply.status, "HTTP/1.1 200 OK");
    for text in [
        r#"<button name="simulator_user" value="mei">"#,
        r#"<button name="simulator_user" value="mock">"#,
        r#"name="state" value="xyz""#,
        r#"value="&lt;script&gt;&quot;""#,
    ] {
        assert!(reply.body.contains(text), "{text}: {}", reply.body);
    }
}

#[actix_web::test]
async fn the_page_rejects_what_wechat_rejects() {
    let wechat = simulator().await;
    let whole = page(&wechat, AUTHORIZE, "snsapi_base");
    for (from, to, expected) in [
        ("appid=wx", "appid=wy", 40013),
        ("https%3A", "javascript%3A", 10003),
        ("response_type=code", "response_type=x", 40097),
        ("snsapi_base", "snsapi_login", 40097),
    ] {
        let reply = request(&wechat, "GET", &whole.replacen(from, to, 1));
        let reply: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(errcode(&reply), expected, "{to}");
    }
}

#[actix_web::test]
async fn a_web_token_expires_and_can_be_refreshed() {
    let wechat = simulator().await;
    let tokens = exchange(&wechat, &consent(&wechat, AUTHORIZE, "snsapi_base"));
    let (token, openid) = (text(&tokens, "access_token"), text(&tokens, "openid"));
    let user_info = format!("/sns/userinfo?access_token={token}&openid={openid}");
    assert_eq!(get(&wechat, &user_info), error(48001, "api unauthorized"));
    let check = |token: &str, openid: &str| {
        let query = format!("access_token={token}&openid={openid}");
        errcode(&get(&wechat, &format!("/sns/auth?{query}")))
    };
    assert_eq!([check(token, "o"), check("x", openid)], [40003, 40001]);
    wechat.advance(Duration::from_hours(2));
    assert_eq!(check(token, openid), 42001);
    let id = wechat.app_id();
    let refresh = |token: &str| {
        let query = format!("appid={id}&grant_type=refresh_token&refresh_token={token}");
        get(&wechat, &format!("/sns/oauth2/refresh_token?{query}"))
    };
    assert_eq!(
        text(&refresh(text(&tokens, "refresh_token")), "openid"),
        openid
    );
    assert_eq!(check(token, openid), 0);
    assert_eq!(errcode(&refresh("x")), 40030);
    wechat.advance(Duration::from_hours(30 * 24));
    assert_eq!(errcode(&refresh(text(&tokens, "refresh_token"))), 42002);
}

#[actix_web::test]
async fn a_third_party_platform_logs_users_in_for_apps_that_authorized_it() {
    let wechat = simulator().await;
    let component = control(&wechat, "GET", "/simulator/component", &NOTHING);
    let ask = |ticket: &str| {
        post(
            &wechat,
            "/cgi-bin/component/api_component_token",
            &json!({
                "component_appid": component["component_appid"],
                "component_appsecret": component["component_appsecret"],
                "component_verify_ticket": ticket,
            }),
        )
    };
    assert_eq!(ask("x"), error(61006, "component ticket is invalid"));
    let granted = ask(text(&component, "component_verify_ticket"));
    assert_eq!(granted["expires_in"], 7200);
    let login = |token: &str| {
        let code = wechat.issue_code("mei");
        let (app, id) = (wechat.app_id(), text(&component, "component_appid"));
        let query = format!("appid={app}&js_code={code}&grant_type=authorization_code");
        get(
            &wechat,
            &format!(
                "/sns/component/jscode2session?{query}&component_appid={id}&component_access_token={token}"
            ),
        )
    };
    let token = text(&granted, "component_access_token");
    assert_eq!(text(&login(token), "openid"), wechat.openid("mei"));
    assert_eq!(errcode(&login("x")), 40001);
    assert_eq!(
        errcode(&login(&stable_token(&wechat, false).0)),
        40001,
        "the token of an app"
    );
    let unauthorized = json!({"unauthorized": [wechat.app_id()]});
    control(&wechat, "PUT", "/simulator/component", &unauthorized);
    let message = "component is not authorized by this account";
    assert_eq!(login(token), error(61003, message));
}
