//! Commands of foreign web pages are rejected; WeChat's own paths are open under every name.

use super::*;

const FOREIGN: [&[(&str, &str)]; 5] = [
    &[("Host", "evil.example")],
    &[("Host", "evil.example"), ("Origin", "https://evil.example")],
    &[("Host", "localhost"), ("Origin", "https://evil.example")],
    &[("Host", "localhost"), ("Origin", "null")],
    &[("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")],
];

#[track_caller]
fn status(wechat: &Simulator, method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let reply = send_with(wechat, method, target, headers, "").unwrap();
    reply.lines().next().unwrap().to_owned()
}

#[actix_web::test]
async fn commands_of_foreign_pages_are_rejected_and_have_no_effect() {
    let wechat = simulator().await;
    for headers in FOREIGN {
        for (method, target) in [
            ("GET", "/simulator"),
            ("GET", "/simulator/apps"),
            ("POST", "/simulator/users/mei/login-code"),
            ("POST", "/simulator/reset"),
            ("GET", "/simulator/no-such-path"),
        ] {
            let reply = send_with(&wechat, method, target, headers, "").unwrap();
            assert!(reply.starts_with("HTTP/1.1 403 "), "{headers:?}: {reply}");
            assert!(!reply.contains(wechat.app_secret()), "{reply}");
        }
    }
    let users = request(&wechat, "GET", "/simulator/users");
    assert_eq!(users.body, r#"{"users":[]}"#);
}

#[actix_web::test]
async fn wechats_own_paths_are_open_under_every_name() {
    let wechat = simulator().await;
    let target = "/cgi-bin/token?grant_type=client_credential";
    let alias: &[(&str, &str)] = &[("Host", "api.weixin.qq.com")];
    for headers in FOREIGN.iter().copied().chain([alias]) {
        assert_eq!(status(&wechat, "GET", target, headers), "HTTP/1.1 200 OK");
    }
    let status = status(&wechat, "GET", "/simulator", alias);
    assert_eq!(status, "HTTP/1.1 403 Forbidden");
}

#[actix_web::test]
async fn names_can_be_allowed() {
    let wechat = start(Options {
        allowed_hosts: vec!["wechat.test".to_owned()],
        ..options()
    })
    .await;
    for headers in [
        &[("Host", "wechat.test:3100")][..],
        &[("Host", "localhost"), ("Origin", "https://wechat.test")],
        &[("Host", "localhost"), ("Origin", "http://localhost:5173")],
        &[("Host", "192.168.1.5")],
    ] {
        assert_eq!(
            status(&wechat, "GET", "/simulator", headers),
            "HTTP/1.1 200 OK"
        );
    }
    for headers in FOREIGN {
        assert_eq!(
            status(&wechat, "GET", "/simulator", headers),
            "HTTP/1.1 403 Forbidden"
        );
    }
}
