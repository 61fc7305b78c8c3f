//! What the recordings cannot show: time, depth, and connections that live on.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::case::{Script, Step};
use super::served;
use super::wire::{Answer, exchange};

const HEAD: &str = "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";

fn server() -> SocketAddr {
    served::serve("dev", &[("WEAPP_JSON__BODY_TIMEOUT_SECONDS", "1")]).0
}

/// What the server answers to these steps, and after which time.
fn answers(address: SocketAddr, steps: Vec<Step>, count: usize) -> (Vec<Answer>, Duration) {
    let begun = Instant::now();
    let script = Script {
        steps,
        answers: count,
        ..Script::of("POST", Vec::new())
    };
    (exchange(address, &script), begun.elapsed())
}

fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(bytes.into())
}

fn error(answer: &Answer) -> (u16, String) {
    let reply = answer.json().unwrap();
    (answer.status, reply["error"].as_str().unwrap().to_owned())
}

#[track_caller]
fn check(address: SocketAddr, request: String, expected: (u16, &str)) {
    let (answers, took) = answers(address, vec![send(request)], 1);
    assert_eq!(error(&answers[0]), (expected.0, expected.1.to_owned()));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// A request with this head and body, and one after it on the same connection.
#[track_caller]
fn check_lives_on(head: &str, body: &[u8], expected: u16) {
    let mut refused = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    refused.extend(body);
    let next = format!("{HEAD}Content-Length: 2\r\n\r\n{{}}");
    let steps = vec![send(refused), Step::Wait(50), send(next)];
    let (answers, _) = answers(server(), steps, 2);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [expected, 400], "{head}");
}

#[test]
fn a_stalled_body_is_refused_in_time() {
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
    let (answers, _) = answers(address, [head].into_iter().chain(drip).collect(), 1);
    assert_eq!(error(&answers[0]).0, 408);
}

#[test]
fn a_declared_size_is_refused_before_the_body_comes() {
    let address = server();
    for length in ["102401", "1048577", "99999999999", "18446744073709551615"] {
        let request = format!("{HEAD}Content-Length: {length}\r\n\r\n");
        check(address, request, (413, "body_too_large"));
    }
}

#[test]
fn the_connection_lives_on_after_every_refusal() {
    let over = vec![b' '; 150_000];
    check_lives_on(HEAD, b"{", 400);
    check_lives_on(HEAD, &over, 413);
    check_lives_on("POST /login HTTP/1.1\r\nHost: a\r\n", b"{}", 400);
    check_lives_on(&format!("{HEAD}Content-Encoding: br\r\n"), b"{}", 400);
    check_lives_on(&format!("{HEAD}Content-Encoding: zstd\r\n"), b"{}", 415);
    check_lives_on(&format!("{HEAD}Content-Encoding: gzip\r\n"), b"{}", 400);
    let gbk = HEAD.replace("json", "json;charset=gbk");
    check_lives_on(&gbk, &over[..5000], 415);
}

#[test]
fn another_type_can_be_refused_rather_than_left_unread() {
    let request = "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    check(server(), request.to_owned(), (400, "code_missing"));
    let strict = served::serve("dev", &[("WEAPP_JSON__REFUSE_OTHER_TYPES", "true")]).0;
    check(strict, request.to_owned(), (415, "unsupported_media_type"));
    let empty = request.replace("Length: 2\r\n\r\n{}", "Length: 0\r\n\r\n");
    check(strict, empty, (400, "code_missing"));
}

#[test]
fn an_endless_chunked_body_is_refused_as_soon_as_it_is_over() {
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000)).repeat(4);
    let request = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunk}");
    check(server(), request, (413, "body_too_large"));
}

#[test]
fn an_upgrade_ends_at_its_length() {
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
fn no_depth_brings_the_server_down() {
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
fn the_limit_counts_inflated_bytes() {
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
        let (answers, _) = answers(address, vec![send(head), send(stored)], 1);
        assert_eq!(error(&answers[0]), (expected.0, expected.1.to_owned()));
    }
}
