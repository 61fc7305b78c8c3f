//! Tests of the limits of bodies: time, size and depth. Connections stay usable after an error.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::case::{Script, Step};
use super::served;
use super::wire::{Response, exchange};

const HEAD: &str = "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";

fn server() -> SocketAddr {
    served::serve("dev", &[("WEAPP_JSON__BODY_TIMEOUT_SECONDS", "1")]).0
}

/// Sends the steps, and returns the responses and the time they took.
fn responses(address: SocketAddr, steps: Vec<Step>, count: usize) -> (Vec<Response>, Duration) {
    let start = Instant::now();
    let script = Script {
        steps,
        responses: count,
        ..Script::of("POST", Vec::new())
    };
    (exchange(address, &script), start.elapsed())
}

fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(bytes.into())
}

fn error(response: &Response) -> (u16, String) {
    let reply = response.json().unwrap();
    (response.status, reply["error"].as_str().unwrap().to_owned())
}

#[track_caller]
fn check(address: SocketAddr, request: String, expected: (u16, &str)) {
    let (responses, took) = responses(address, vec![send(request)], 1);
    assert_eq!(error(&responses[0]), (expected.0, expected.1.to_owned()));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// Sends a request with this head and body, and another one on the same connection.
#[track_caller]
fn check_connection(head: &str, body: &[u8], expected: u16) {
    let mut rejected = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    rejected.extend(body);
    let next = format!("{HEAD}Content-Length: 2\r\n\r\n{{}}");
    let steps = vec![send(rejected), Step::Wait(50), send(next)];
    let (responses, _) = responses(server(), steps, 2);
    let statuses: Vec<u16> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [expected, 400], "{head}");
}

#[test]
fn a_stalled_body_is_rejected_after_the_timeout() {
    let address = server();
    check(
        address,
        format!("{HEAD}Content-Length: 9\r\n\r\n{{"),
        (408, "body_timeout"),
    );
    let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n");
    check(address, chunked, (408, "body_timeout"));
    let drip = (0..30).flat_map(|_| [send(" "), Step::Wait(50)]);
    let head = send(format!("{HEAD}Content-Length: 100\r\n\r\n"));
    let (responses, _) = responses(address, [head].into_iter().chain(drip).collect(), 1);
    assert_eq!(error(&responses[0]).0, 408);
}

#[test]
fn a_declared_size_over_the_limit_is_rejected_before_the_body_arrives() {
    let address = server();
    for length in ["102401", "1048577", "99999999999", "18446744073709551615"] {
        let request = format!("{HEAD}Content-Length: {length}\r\n\r\n");
        check(address, request, (413, "body_too_large"));
    }
}

#[test]
fn the_connection_stays_open_after_every_error() {
    let over = vec![b' '; 150_000];
    check_connection(HEAD, b"{", 400);
    check_connection(HEAD, &over, 413);
    check_connection("POST /login HTTP/1.1\r\nHost: a\r\n", b"{}", 400);
    check_connection(&format!("{HEAD}Content-Encoding: br\r\n"), b"{}", 400);
    check_connection(&format!("{HEAD}Content-Encoding: zstd\r\n"), b"{}", 415);
    check_connection(&format!("{HEAD}Content-Encoding: gzip\r\n"), b"{}", 400);
    let gbk = HEAD.replace("json", "json;charset=gbk");
    check_connection(&gbk, &over[..5000], 415);
}

#[test]
fn another_type_is_rejected_if_the_settings_say_so() {
    let request = "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    check(server(), request.to_owned(), (400, "code_missing"));
    let strict = served::serve("dev", &[("WEAPP_JSON__REJECT_OTHER_TYPES", "true")]).0;
    check(strict, request.to_owned(), (415, "unsupported_media_type"));
    let empty = request.replace("Length: 2\r\n\r\n{}", "Length: 0\r\n\r\n");
    check(strict, empty, (400, "code_missing"));
}

#[test]
fn an_endless_chunked_body_is_rejected_at_the_limit() {
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000)).repeat(4);
    let request = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunk}");
    check(server(), request, (413, "body_too_large"));
}

#[test]
fn the_body_of_an_upgrade_ends_at_its_length() {
    let address = server();
    let head = format!("{HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n");
    check(
        address,
        format!("{head}Content-Length: 2\r\n\r\n{{}}"),
        (400, "code_missing"),
    );
    check(address, format!("{head}\r\n"), (400, "code_missing"));
}

#[test]
fn a_deeply_nested_body_does_not_crash_the_server() {
    let address = server();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = 50_000 / open.len();
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for (body, error) in [
            (deep.clone(), "code_missing"),
            (format!("{{\"x\":{deep}}}"), "code_missing"),
            (format!("{{\"code\":{deep}}}"), "code_malformed"),
        ] {
            let request = format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len());
            check(address, request, (400, error));
        }
    }
}

#[test]
fn the_limit_counts_decompressed_bytes() {
    let address = server();
    for (spaces, expected) in [
        (102_398, (400, "code_missing")),
        (102_399, (413, "body_too_large")),
    ] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        let body = format!("{{{}}}", " ".repeat(spaces));
        encoder.write_all(body.as_bytes()).unwrap();
        let stored = encoder.finish().unwrap();
        assert!(stored.len() > 102_400);
        let head = format!(
            "{HEAD}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            stored.len()
        );
        let (responses, _) = responses(address, vec![send(head), send(stored)], 1);
        assert_eq!(error(&responses[0]), (expected.0, expected.1.to_owned()));
    }
}
