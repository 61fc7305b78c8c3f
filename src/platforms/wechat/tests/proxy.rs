//! A proxy between the client and the platform. `tests/it/outbound.rs` has the calls that succeed.

use crate::platforms::wechat::Client;
use crate::platforms::wechat::tests::server::{Act, Server, closed_port};
use crate::platforms::wechat::tests::{client, config, log_in_with};
use crate::platforms::{ConfigError, ConnectError, Error};

const BASE_URL: &str = "https://api.weixin.qq.com";

/// `None` on a machine without root certificates, where there can be no client for `https`.
fn client_with_proxy(proxy: &str) -> Option<Client> {
    let config = config(BASE_URL).ok()?;
    Some(Client::new(&config.with_proxy(proxy).unwrap()))
}

#[actix_web::test]
async fn a_proxy_is_asked_for_the_host_and_sees_no_url() {
    let server = Server::start(vec![Act::status("403 Forbidden", "")]);
    let proxy = server.url.replace("http://", "http://me:p%40ss@");
    let Some(client) = client_with_proxy(&proxy) else {
        return;
    };
    let outcome = log_in_with(&client, "code").await;
    assert_eq!(outcome, Err(Error::Unreachable(ConnectError::Proxy)));
    let request = server.first_request();
    assert!(
        request.starts_with("CONNECT api.weixin.qq.com:443 HTTP/1.1\r\n"),
        "{request}"
    );
    // The base64 form of `me:p@ss`.
    assert!(
        request
            .to_ascii_lowercase()
            .contains("proxy-authorization: basic bwu6cebzcw==\r\n"),
        "{request}"
    );
    for secret in ["jscode2session", "code=", "secret"] {
        assert!(!request.contains(secret), "{request}");
    }
}

#[actix_web::test]
async fn rejected_proxy_credentials_are_reported() {
    let server = Server::start(vec![Act::status("407 Proxy Authentication Required", "")]);
    let Some(client) = client_with_proxy(&server.url) else {
        return;
    };
    let outcome = log_in_with(&client, "code").await;
    let error = Error::Unreachable(ConnectError::ProxyCredentials);
    assert_eq!(outcome, Err(error));
}

#[actix_web::test]
async fn an_unreachable_proxy_is_reported() {
    let (_held, url) = closed_port();
    for proxy in [&*url, "http://proxy.invalid"] {
        let Some(client) = client_with_proxy(proxy) else {
            return;
        };
        let outcome = log_in_with(&client, "code").await;
        assert!(
            matches!(
                outcome,
                // A machine whose DNS is silent finds out by the clock.
                Err(Error::Unreachable(
                    ConnectError::Proxy | ConnectError::TimedOut
                ))
            ),
            "{outcome:?}"
        );
    }
}

#[actix_web::test]
async fn an_http_base_url_is_called_without_the_proxy() {
    let server = Server::start(vec![Act::json(r#"{"errcode":40029}"#)]);
    let (_held, url) = closed_port();
    let config = config(&server.url).unwrap().with_proxy(&url).unwrap();
    assert!(log_in_with(&Client::new(&config), "code").await.is_err());
    assert_eq!(server.requests(), 1);
}

#[test]
fn the_error_of_a_malformed_proxy_does_not_quote_it() {
    let config = config("http://127.0.0.1").unwrap();
    let error = config.with_proxy("http://me:hunter2@proxy:port").err();
    assert!(matches!(error, Some(ConfigError::Proxy)), "{error:?}");
}

#[actix_web::test]
async fn the_path_of_the_base_url_precedes_that_of_the_endpoint() {
    let server = Server::start(vec![Act::json(r#"{"errcode":40029}"#)]);
    for base in ["/wechat", "/wechat/", "/a/b"] {
        let client = client(&format!("{}{base}", server.url));
        assert!(log_in_with(&client, "code").await.is_err());
        let request = server.seen.borrow_mut().requests.remove(0);
        let start = format!("GET {}/sns/jscode2session?", base.trim_end_matches('/'));
        assert!(request.starts_with(&start), "{request}");
    }
}
