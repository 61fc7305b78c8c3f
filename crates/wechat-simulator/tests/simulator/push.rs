//! The command that plays WeChat's message push, with a receiver that records one request.

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::control::{control, control_request};
use super::*;

const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// Receives one request, and replies with the value of `echostr`, or `success`. Returns its URL and the request.
fn receiver() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/push?a=1", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer).unwrap();
            request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() == length.map_or(0, |length| length.parse().unwrap()) {
                break;
            }
        }
        let echo = parameter(&request, "echostr").unwrap_or("success");
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{echo}",
            echo.len()
        )
        .unwrap();
        sender.send(request).unwrap();
    });
    (url, receiver)
}

fn parameter<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = request.lines().next()?.split_once('?')?;
    let query = query.split(' ').next()?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Computes a signature as a receiver does.
fn signature(request: &str, token: &str, encrypted: Option<&str>) -> String {
    let value = |name| parameter(request, name).unwrap();
    let mut texts = vec![token, value("timestamp"), value("nonce")];
    texts.extend(encrypted);
    texts.sort_unstable();
    hex(&<sha1::Sha1 as sha1::Digest>::digest(texts.concat()))
}

#[actix_web::test]
async fn a_url_is_verified_with_an_echo() {
    let wechat = simulator().await;
    let (url, requests) = receiver();
    let order = json!({"url": url, "token": "t0ken"});
    let reply = control(&wechat, "POST", "/simulator/push", &order);
    assert_eq!(
        (&reply["verified"], &reply["status"]),
        (&json!(true), &json!(200))
    );
    let request = requests.recv().unwrap();
    assert!(request.starts_with("GET /push?a=1&signature="), "{request}");
    assert_eq!(
        parameter(&request, "signature").unwrap(),
        signature(&request, "t0ken", None)
    );
}

#[actix_web::test]
async fn a_message_is_delivered_as_json_or_xml() {
    let wechat = simulator().await;
    let message = json!({"MsgType": "text", "Content": "hello"});
    for (format, expected) in [
        ("json", "\"Content\":\"hello\""),
        ("xml", "<Content><![CDATA[hello]]></Content>"),
    ] {
        let (url, requests) = receiver();
        let order =
            json!({"url": url, "token": "t", "format": format, "user": "mei", "message": message});
        let reply = control(&wechat, "POST", "/simulator/push", &order);
        assert_eq!(reply, json!({"status": 200, "body": "success"}));
        let request = requests.recv().unwrap();
        let openid = wechat.openid("mei");
        assert!(
            request.starts_with("POST ") && request.contains(expected),
            "{request}"
        );
        assert!(request.contains(&format!("{NOW}")) && request.contains(&openid));
        assert_eq!(parameter(&request, "openid"), Some(&*openid));
        assert_eq!(
            parameter(&request, "signature").unwrap(),
            signature(&request, "t", None)
        );
    }
}

#[actix_web::test]
async fn an_encrypted_message_hides_its_content_and_is_signed() {
    let wechat = simulator().await;
    let (url, requests) = receiver();
    let order = json!({
        "url": url, "token": "t", "encoding_aes_key": KEY, "message": {"Content": "hello"},
    });
    control(&wechat, "POST", "/simulator/push", &order);
    let request = requests.recv().unwrap();
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let encrypted = body["Encrypt"].as_str().unwrap();
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    assert_eq!(parameter(&request, "encrypt_type"), Some("aes"));
    let expected = signature(&request, "t", Some(encrypted));
    assert_eq!(parameter(&request, "msg_signature").unwrap(), expected);
}

#[actix_web::test]
async fn an_undeliverable_push_is_an_error() {
    let wechat = simulator().await;
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (order, status) in [
        (
            json!({"url": format!("http://{free}/"), "token": "t"}),
            "502 Bad Gateway",
        ),
        (
            json!({"url": "https://example.com", "token": "t"}),
            "400 Bad Request",
        ),
        (
            json!({"url": format!("http://{free}"), "token": "t", "encoding_aes_key": "x", "message": {}}),
            "400 Bad Request",
        ),
    ] {
        let reply = control_request(&wechat, "POST", "/simulator/push", &order.to_string());
        assert_eq!(reply.0, status, "{}", reply.1);
    }
}
