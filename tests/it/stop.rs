//! The shutdown of the process: its responses, and the connections that it waits for.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::server::{Binary, Connection};

const MOCK: &str = r#"{"code":"the code is a mock one"}"#;

/// Starts a server with this drain time.
fn server(folder: &Folder, drain_seconds: &str) -> Binary {
    Binary::start(folder, &[("WEAPP_SERVER__DRAIN_SECONDS", drain_seconds)])
}

/// Returns a connection that was used once and is kept alive.
fn used(server: &Binary) -> Connection {
    let mut connection = server.connect();
    let (status, closes, _) = connection.ask_for_all("GET", "/livez", "", "").unwrap();
    assert_eq!((status, closes), (200, false));
    connection
}

/// Sends a request whose response closes the connection.
#[track_caller]
fn last(connection: &mut Connection, method: &str, path: &str, body: &str) -> (u16, Value) {
    let reply = connection.ask_for_all(method, path, "", body);
    let (status, closes, reply) = reply.expect("a response");
    assert!(closes, "{method} {path} has no Connection: close");
    assert!(connection.is_closed(), "{method} {path}");
    (status, reply)
}

#[test]
fn each_response_of_the_drain_closes_its_connection_and_the_last_one_ends_it() {
    let folder = Folder::new();
    let mut server = server(&folder, "60");
    let mut connections = [(); 5].map(|()| used(&server));
    let mut stalled = server.connect();
    stalled.send(b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 33\r\n\r\n{");
    server.signal("TERM");
    let start = Instant::now();
    server.wait_for("stopping");
    let [readiness, life, login, nothing, guarded] = &mut connections;
    let (status, mut reply) = last(readiness, "GET", "/readyz", "");
    reply["request_id"].take();
    assert_eq!(
        (status, reply),
        (
            503,
            json!({
                "code": 503,
                "error": "draining",
                "message": "The server is shutting down: try again as Retry-After says.",
                "request_id": null,
            })
        )
    );
    assert_eq!(last(life, "GET", "/livez", "").0, 200);
    let (status, reply) = last(login, "POST", "/login", MOCK);
    assert_eq!((status, &reply["message"]), (200, &"success!".into()));
    assert_eq!(last(nothing, "GET", "/nope", "").0, 404);
    assert_eq!(last(guarded, "GET", "/session", "").0, 401);
    stalled.send(MOCK.strip_prefix('{').unwrap().as_bytes());
    assert_eq!(stalled.reply().expect("a response").0, 200);
    assert!(stalled.is_closed());
    assert_eq!(server.wait().code(), Some(0));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn the_drain_waits_for_an_idle_connection_as_long_as_configured() {
    let folder = Folder::new();
    let mut server = server(&folder, "2");
    let mut idle = used(&server);
    server.signal("TERM");
    let start = Instant::now();
    assert!(idle.is_closed());
    let took = start.elapsed();
    assert_eq!(server.wait().code(), Some(0));
    // Without a signal it would be kept for 5 seconds.
    assert!((1_900..4_500).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn an_idle_connection_is_closed_after_five_seconds() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let start = Instant::now();
    assert!(used(&server).is_closed());
    let kept = start.elapsed();
    assert!((4_900..9_000).contains(&kept.as_millis()), "{kept:?}");
}

#[test]
fn a_second_signal_ends_the_drain() {
    let folder = Folder::new();
    let mut server = server(&folder, "60");
    let idle = used(&server);
    server.signal("TERM");
    let start = Instant::now();
    server.wait_for("stopping");
    thread::sleep(Duration::from_millis(200));
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
    // The connection is kept for 5 seconds.
    let took = start.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    drop(idle);
}
