//! Replies that arrive whole: what is read from them, and what is not believed.

use std::time::Duration;

use crate::platforms::wechat::code_shape::MOCK_CODE;
use crate::platforms::wechat::tests::server::{Act, Server, http};
use crate::platforms::wechat::tests::{
    APP_ID, CODE, OPENID, SECRET, SESSION_KEY, SUCCESS, check_class, client, log_in, log_in_for,
    log_in_with,
};
use crate::platforms::{Error, InvalidReply, Reason};

/// Asserts that a reply logs the user in.
async fn check_success(act: Act) {
    let identity = log_in(&Server::start(vec![act])).await.unwrap();
    assert_eq!(identity.openid.expose(), OPENID);
    assert_eq!(identity.session_key.unwrap().expose(), SESSION_KEY);
    assert_eq!(identity.unionid, None);
}

/// Asserts that a reply is not believed, and that WeChat was asked once.
async fn check_flaw(act: Act, status: u16, flaw: InvalidReply) {
    let server = Server::start(vec![act]);
    let outcome = log_in(&server).await;
    assert_eq!(outcome, Err(Error::InvalidReply { status, flaw }));
    assert_eq!(server.requests(), 1);
}

#[actix_web::test]
async fn the_request_is_what_the_documentation_says() {
    let server = Server::start(vec![Act::json(SUCCESS)]);
    log_in(&server).await.unwrap();
    let head = server.first_request();
    let line = format!(
        "GET /sns/jscode2session?appid={APP_ID}&secret={SECRET}&js_code={CODE}&grant_type=authorization_code HTTP/1.1\r\n"
    );
    assert!(head.starts_with(&line), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(
        !head.contains("accept-encoding"),
        "a reply is not to be compressed: {head}"
    );
    assert!(!head.contains("referer"), "{head}");
}

#[actix_web::test]
async fn a_code_is_escaped_and_a_base_path_is_kept() {
    let server = Server::start(vec![Act::json(SUCCESS)]);
    let client = client(&format!("{}/proxy/", server.url));
    log_in_with(&client, MOCK_CODE).await.unwrap();
    log_in_with(&client, "a+b&secret=c#é").await.unwrap();
    let seen = server.seen.borrow();
    let path = "GET /proxy/sns/jscode2session?";
    assert!(seen.requests.iter().all(|head| head.starts_with(path)));
    assert!(seen.requests[0].contains("&js_code=the%20code%20is%20a%20mock%20one&"));
    assert!(seen.requests[1].contains("&js_code=a%2Bb%26secret%3Dc%23%C3%A9&"));
}

#[actix_web::test]
async fn a_success_is_read() {
    let success = SUCCESS.as_bytes();
    let with = |more: &str| Act::json(&SUCCESS.replace('}', &format!(",{more}}}")));
    for act in [
        Act::json(SUCCESS),
        Act::json(&format!("\u{feff}\r\n{SUCCESS}\n")),
        with(r#""errcode":0,"errmsg":"ok""#),
        with(r#""expires_in":7200,"new":{"a":[1,null]},"unionid":null"#),
        Act::Reply(http("200 OK\r\nContent-Type: text/html", success)),
        Act::Reply(http("200 OK", success)),
    ] {
        check_success(act).await;
    }
}

#[actix_web::test]
async fn a_chunked_reply_is_read() {
    let (first, second) = SUCCESS.split_at(20);
    let chunks = format!(
        "14\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        second.len()
    );
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_success(Act::Reply(format!("{head}{chunks}").into_bytes())).await;
}

#[actix_web::test]
async fn a_reply_that_ends_with_its_connection_is_read() {
    let reply = format!("HTTP/1.0 200 OK\r\n\r\n{SUCCESS}");
    check_success(Act::Reply(reply.into_bytes())).await;
}

#[actix_web::test]
async fn a_unionid_is_read_if_there_is_one() {
    let raw = SUCCESS.replace('}', r#","unionid":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA"}"#);
    let identity = log_in_for(&[&raw]).await.unwrap();
    assert_eq!(
        identity.unionid.unwrap().expose(),
        "ocMvos6NjeKLIBqg5Mr9QjxrP1FA"
    );
}

#[actix_web::test]
async fn a_session_key_of_another_length_does_not_stop_a_login() {
    let raw = format!(r#"{{"openid":"{OPENID}","session_key":"short"}}"#);
    let identity = log_in_for(&[&raw]).await.unwrap();
    assert_eq!(identity.session_key.unwrap().expose(), "short");
}

#[actix_web::test]
async fn a_success_without_an_openid_or_a_key_is_invalid() {
    for (raw, field) in [
        (r"{}", "openid"),
        (r#"{"errcode":0,"errmsg":"ok"}"#, "openid"),
        (r#"{"openid":"","session_key":"k=="}"#, "openid"),
        (r#"{"openid":42,"session_key":"k=="}"#, "openid"),
        (r#"{"openid":{"a":1},"session_key":"k=="}"#, "openid"),
        (r#"{"openid":"o G","session_key":"k=="}"#, "openid"),
        (r#"{"openid":"oGZ"}"#, "session_key"),
        (r#"{"openid":"oGZ","session_key":null}"#, "session_key"),
    ] {
        check_flaw(Act::json(raw), 200, InvalidReply::Missing(field)).await;
    }
}

#[actix_web::test]
async fn invalid_utf_8_invalidates_only_its_own_field() {
    let invalid_errmsg = b"{\"errcode\":40029,\"errmsg\":\"\xce\xde\xd0\xa7\"}";
    let server = Server::start(vec![Act::Reply(http("200 OK", invalid_errmsg))]);
    check_class(log_in(&server).await, Reason::CodeInvalid);
    let invalid_openid = b"{\"openid\":\"oGZ\xff\",\"session_key\":\"tiihtNczf5v6AKRyjwEUhQ==\"}";
    let act = Act::Reply(http("200 OK", invalid_openid));
    check_flaw(act, 200, InvalidReply::Missing("openid")).await;
    let act = Act::Reply(http("200 OK", b"\xff\xfe\x00"));
    check_flaw(act, 200, InvalidReply::NotJson).await;
}

#[actix_web::test]
async fn a_reply_that_is_not_a_json_object_is_invalid() {
    let html = "<html><body>502 Bad Gateway</body></html>";
    let bad_gateway = Act::status("502 Bad Gateway", html);
    check_flaw(bad_gateway, 502, InvalidReply::NotJson).await;
    let no_content = Act::Reply(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    check_flaw(no_content, 204, InvalidReply::Empty).await;
    for empty in ["", " \r\n"] {
        check_flaw(Act::json(empty), 200, InvalidReply::Empty).await;
    }
    let cut = SUCCESS.split_at(40).0;
    for body in [html, cut, "[]", &"[".repeat(60_000)] {
        check_flaw(Act::json(body), 200, InvalidReply::NotJson).await;
    }
    let gzip = http("200 OK\r\nContent-Encoding: gzip", b"\x1f\x8b\x08\x00\x00");
    check_flaw(Act::Reply(gzip), 200, InvalidReply::NotJson).await;
}

#[actix_web::test]
async fn the_errcode_takes_precedence_over_the_status() {
    let server = Server::start(vec![Act::status("500 No", r#"{"errcode":40163}"#)]);
    check_class(log_in(&server).await, Reason::CodeUsed);
    check_flaw(Act::status("500 No", SUCCESS), 500, InvalidReply::NoErrcode).await;
}

#[actix_web::test]
async fn an_errcode_may_be_a_text() {
    for raw in [
        r#"{"errcode":"40029","errmsg":"invalid code"}"#,
        r#"{"errcode":" 40029 "}"#,
    ] {
        check_class(log_in_for(&[raw]).await, Reason::CodeInvalid);
    }
    for raw in [
        r#"{"errcode":"x"}"#,
        r#"{"errcode":true}"#,
        r#"{"errcode":1e99}"#,
    ] {
        check_flaw(Act::json(raw), 200, InvalidReply::BadErrcode).await;
    }
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let target = Server::start(vec![Act::json(SUCCESS)]);
    for status in [301, 302, 307, 308] {
        let head = format!(
            "{status} Found\r\nLocation: {}/sns/jscode2session",
            target.url
        );
        let act = Act::Reply(http(&head, SUCCESS.as_bytes()));
        check_flaw(act, status, InvalidReply::Redirect).await;
    }
    assert_eq!(target.seen.borrow().connections, 0);
}

/// Asserts that the client stops reading at its limit, plus the size of the socket buffers.
async fn check_flood(head: &[u8]) {
    let server = Server::start(vec![Act::Flood(head.to_vec())]);
    let flaw = InvalidReply::TooLong;
    let error = Error::InvalidReply { status: 200, flaw };
    assert_eq!(log_in(&server).await, Err(error));
    actix_rt::time::sleep(Duration::from_millis(50)).await;
    let flooded = server.seen.borrow().flooded;
    assert!(flooded < 8 * 1024 * 1024, "{flooded} bytes were let in");
}

#[actix_web::test]
async fn an_endless_reply_is_cut_off() {
    check_flood(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n").await;
    check_flood(b"HTTP/1.1 200 OK\r\n\r\n").await;
}

#[actix_web::test]
async fn a_reply_of_exactly_the_limit_is_read() {
    let padding = |length: usize| format!("{SUCCESS}{}", " ".repeat(length - SUCCESS.len()));
    check_success(Act::json(&padding(64 * 1024))).await;
    let longer = Act::json(&padding(64 * 1024 + 1));
    check_flaw(longer, 200, InvalidReply::TooLong).await;
}
