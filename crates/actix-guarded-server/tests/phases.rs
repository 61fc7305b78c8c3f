//! Clients that are slow, silent or greedy in one phase of a connection, and others that look like it.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
#![expect(clippy::expect_used, reason = "a test may fail loudly")]
#![expect(clippy::panic, reason = "a test may fail loudly")]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use actix_guarded_server::{Connections, Cutoff, HttpServer, Limits, Listener};
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, web};
use futures_util::StreamExt as _;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
/// Size of `/large`.
const LARGE: usize = 3_000_000;

/// A running server with short limits. Stopped on drop.
struct Server {
    port: u16,
    handle: ServerHandle,
    connections: Connections,
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.head_timeout = Duration::from_millis(600);
    limits.keep_alive = Duration::from_secs(1);
    limits.keep_alive_margin = Duration::from_millis(500);
    limits.body_window = Duration::from_millis(600);
    limits.reply_window = Duration::from_millis(600);
    limits.linger = Duration::from_millis(400);
    limits
}

fn app() -> App<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .route("/", web::to(|| async { HttpResponse::Ok().body("ok") }))
        .route(
            "/body",
            web::to(|body: web::Bytes| async move { body.len().to_string() }),
        )
        .route("/largest-part", web::to(largest_part))
        .route(
            "/unread",
            web::to(|| async { HttpResponse::BadRequest().body("no") }),
        )
        .route(
            "/large",
            web::to(|| async { HttpResponse::Ok().body(vec![b'x'; LARGE]) }),
        )
        .route(
            "/late",
            web::to(|| async {
                actix_web::rt::time::sleep(Duration::from_secs(1)).await;
                HttpResponse::Ok().body("late")
            }),
        )
        .app_data(web::PayloadConfig::new(1_000_000))
}

/// Returns the number of bytes in the largest part of the body.
async fn largest_part(mut body: web::Payload) -> String {
    let mut largest = 0;
    while let Some(part) = body.next().await {
        largest = largest.max(part.unwrap().len());
    }
    largest.to_string()
}

impl Server {
    fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self::serve(limits, Listener::Tcp(listener), port)
    }

    fn serve(limits: Limits, listener: Listener, port: u16) -> Self {
        let connections = Connections::default();
        let (tell, handle) = mpsc::channel();
        let counts = connections.clone();
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(app)
                    .workers(1)
                    .disable_signals()
                    .shutdown_timeout(Duration::from_secs(5))
                    .limits(limits)
                    .connections(counts)
                    .listen_all([listener])
                    .unwrap()
                    .run();
                tell.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = handle.recv().unwrap();
        Self {
            port,
            handle,
            connections,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
    }

    fn wait_for_cutoff(&self, reason: Cutoff) {
        let start = Instant::now();
        while self.connections.cut_off(reason) == 0 && start.elapsed() < Duration::from_secs(8) {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asserts that the server has closed exactly this many connections, all for this reason.
    #[track_caller]
    fn assert_cut_off(&self, reason: Cutoff, count: u64) {
        for other in Cutoff::ALL {
            let expected = if other == reason { count } else { 0 };
            assert_eq!(self.connections.cut_off(other), expected, "{other:?}");
        }
    }

    #[track_caller]
    fn assert_none_cut_off(&self) {
        self.assert_cut_off(Cutoff::SlowHead, 0);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// Reads until the server closes the connection.
fn rest(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("still open: {error}"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads one reply and returns head and body.
fn reply(stream: &mut impl Read) -> (String, Vec<u8>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a reply");
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    (head, body)
}

/// Sends a byte every 50 ms until the server closes the connection. Returns what it sent, and how long it took.
fn trickle(stream: &mut TcpStream, bytes: &[u8]) -> (String, Duration) {
    let start = Instant::now();
    let mut reader = stream.try_clone().unwrap();
    let reader = thread::spawn(move || rest(&mut reader));
    let mut bytes = bytes.iter().cycle();
    while !reader.is_finished() && start.elapsed() < Duration::from_secs(8) {
        let byte = *bytes.next().unwrap();
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    (reader.join().unwrap(), start.elapsed())
}

#[track_caller]
fn assert_between(time: Duration, least: u64, most: u64) {
    assert!(
        (least..most).contains(&u64::try_from(time.as_millis()).unwrap()),
        "{time:?}"
    );
}

#[test]
fn a_late_first_head_gets_408() {
    let server = Server::start(limits());
    let (sent, took) = trickle(&mut server.connect(), b"G");
    assert!(sent.starts_with("HTTP/1.1 408 "), "{sent}");
    assert_between(took, 550, 3_000);
    server.assert_cut_off(Cutoff::SlowHead, 1);
}

#[test]
fn a_late_next_head_gets_408() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    stream.write_all(GET).unwrap();
    assert_eq!(reply(&mut stream).1, b"ok");
    let (sent, took) = trickle(&mut stream, b"G");
    assert!(sent.starts_with("HTTP/1.1 408 "), "{sent}");
    assert_between(took, 550, 3_000);
    server.assert_cut_off(Cutoff::SlowHead, 1);
}

#[test]
fn a_silent_connection_is_closed_without_a_reply() {
    let server = Server::start(limits());
    assert_eq!(rest(&mut server.connect()), "");
    server.assert_cut_off(Cutoff::SlowHead, 1);
}

#[test]
fn a_large_head_gets_431() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-padding: {}",
        "a".repeat(20_000)
    );
    stream.write_all(head.as_bytes()).unwrap();
    let sent = rest(&mut stream);
    assert!(sent.starts_with("HTTP/1.1 431 "), "{sent}");
    server.assert_cut_off(Cutoff::LargeHead, 1);
}

#[test]
fn a_head_just_below_the_limit_passes() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-padding: {}\r\n\r\n",
        "a".repeat(16_000)
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(reply(&mut stream).1, b"ok");
    server.assert_none_cut_off();
}

#[test]
fn a_body_that_follows_its_head_at_once_is_no_large_head() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    for _ in 0..3 {
        let request = format!(
            "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n{}",
            "a".repeat(500_000)
        );
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(reply(&mut stream).1, b"500000");
    }
    server.assert_none_cut_off();
}

#[test]
fn a_trickling_body_is_cut_off() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    stream
        .write_all(format!("POST /body {CHUNKED}").as_bytes())
        .unwrap();
    let (sent, took) = trickle(&mut stream, b"1\r\na\r\n");
    assert!(!sent.starts_with("HTTP/1.1 200"), "{sent}");
    assert_between(took, 550, 3_000);
    server.assert_cut_off(Cutoff::SlowBody, 1);
}

#[test]
fn a_body_above_the_minimum_rate_may_take_long() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    stream
        .write_all(b"POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 16000\r\n\r\n")
        .unwrap();
    for _ in 0..16 {
        thread::sleep(Duration::from_millis(100));
        stream.write_all(&[b'a'; 1000]).unwrap();
    }
    assert_eq!(reply(&mut stream).1, b"16000");
    server.assert_none_cut_off();
}

#[test]
fn a_chunked_body_does_not_outlive_its_reply() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    stream
        .write_all(format!("POST /unread {CHUNKED}").as_bytes())
        .unwrap();
    let (sent, took) = trickle(&mut stream, b"1\r\na\r\n");
    assert!(sent.starts_with("HTTP/1.1 400 "), "{sent}");
    assert_between(took, 350, 3_000);
    server.assert_cut_off(Cutoff::SlowBody, 1);
}

#[test]
fn a_client_that_does_not_read_its_reply_is_cut_off() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    socket2::SockRef::from(&stream)
        .set_recv_buffer_size(4096)
        .unwrap();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let start = Instant::now();
    server.wait_for_cutoff(Cutoff::SlowReader);
    assert_between(start.elapsed(), 550, 3_000);
    server.assert_cut_off(Cutoff::SlowReader, 1);
    assert!(rest(&mut stream).len() < LARGE);
}

#[test]
fn a_client_that_reads_slowly_but_fast_enough_gets_everything() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let (mut received, mut buffer, start) = (0, vec![0; 100_000], Instant::now());
    loop {
        let read = stream.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        received += read;
        if start.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(20));
        }
    }
    assert!(received > LARGE, "{received}");
    server.assert_none_cut_off();
}

#[test]
fn pipelined_requests_of_a_client_that_does_not_read_stay_outside() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    socket2::SockRef::from(&stream)
        .set_recv_buffer_size(4096)
        .unwrap();
    stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let requests = GET.repeat(1000);
    let mut accepted = 0;
    while accepted < 50_000_000 && stream.write_all(&requests).is_ok() {
        accepted += requests.len();
    }
    assert!(accepted < 20_000_000, "{accepted}");
    server.wait_for_cutoff(Cutoff::SlowReader);
    server.assert_cut_off(Cutoff::SlowReader, 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    let mut requests = b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();
    // More than a head may have, so that reading pauses until the first reply.
    requests.extend(GET.repeat(2_000));
    let mut writer = stream.try_clone().unwrap();
    let writer = thread::spawn(move || writer.write_all(&requests).unwrap());
    assert_eq!(reply(&mut stream).1, b"late");
    for _ in 0..2_000 {
        assert_eq!(reply(&mut stream).1, b"ok");
    }
    writer.join().unwrap();
    server.assert_none_cut_off();
}

#[test]
fn an_idle_connection_is_kept_longer_than_announced() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(GET).unwrap();
        let (head, _) = reply(&mut stream);
        assert!(head.contains("\r\nkeep-alive: timeout=1\r\n"), "{head}");
        thread::sleep(Duration::from_secs(1));
    }
    stream.write_all(GET).unwrap();
    reply(&mut stream);
    let start = Instant::now();
    assert_eq!(rest(&mut stream), "");
    assert_between(start.elapsed(), 1_300, 3_000);
    server.assert_none_cut_off();
}

#[test]
fn a_last_reply_announces_no_keep_alive() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let sent = rest(&mut stream).to_lowercase();
    assert!(!sent.contains("keep-alive"), "{sent}");
}

#[test]
fn large_requests_wait_for_memory_and_small_ones_do_not() {
    let mut scarce = limits();
    scarce.large_requests = 1;
    scarce.body_window = Duration::from_secs(2);
    let server = Server::start(scarce);
    let head = b"POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 30000\r\n\r\n";
    let body = vec![b'a'; 30_000];
    let mut first = server.connect();
    first.write_all(head).unwrap();
    first.write_all(body.get(..20_000).unwrap()).unwrap();
    thread::sleep(Duration::from_millis(100));
    // The first one holds the memory.
    let mut second = server.connect();
    second.write_all(head).unwrap();
    second.write_all(&body).unwrap();
    second
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    assert!(second.read(&mut [0]).is_err(), "the second request waits");
    let mut small = server.connect();
    small.write_all(GET).unwrap();
    assert_eq!(reply(&mut small).1, b"ok");
    // When it ends, the second one continues.
    drop(first);
    second
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    assert_eq!(reply(&mut second).1, b"30000");
    server.assert_none_cut_off();
}

#[test]
fn a_body_that_arrives_at_once_is_read_in_small_parts() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    let body = "a".repeat(1_000_000);
    let length = body.len();
    let head =
        format!("POST /largest-part HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all((head + &body).as_bytes()).unwrap();
    let (_, largest) = reply(&mut stream);
    let largest: usize = String::from_utf8(largest).unwrap().parse().unwrap();
    assert!((1..=8 * 1024).contains(&largest), "{largest}");
}

#[test]
fn a_graceful_stop_closes_idle_connections_and_finishes_requests() {
    let server = Server::start(limits());
    let mut idle = server.connect();
    idle.write_all(GET).unwrap();
    reply(&mut idle);
    let mut busy = server.connect();
    busy.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    drop(server.handle.stop(true));
    assert_eq!(rest(&mut idle), "");
    assert_between(start.elapsed(), 0, 700);
    assert_eq!(reply(&mut busy).1, b"late");
    assert_eq!(rest(&mut busy), "");
}

#[test]
fn a_unix_socket_is_served() {
    let path = std::env::temp_dir().join(format!("guarded-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let server = Server::serve(limits(), Listener::Unix(listener), 0);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(GET).unwrap();
    assert_eq!(reply(&mut stream).1, b"ok");
    assert_eq!(server.connections.open(), 1);
    std::fs::remove_file(&path).unwrap();
}
