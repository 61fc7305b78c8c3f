//! The addresses that the server listens on, and how long it keeps connections.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Folder;
use crate::server::{Binary, LIVEZ, ask_over, check_rejected, command, run};

const BINARY: &str = env!("CARGO_BIN_EXE_weapp-login");

/// Sends `GET /livez` over a Unix socket and returns the reply.
fn ask(path: &Path) -> String {
    ask_over(UnixStream::connect(path).unwrap(), LIVEZ)
}

/// Starts a server on a free port and on a Unix socket.
fn start(folder: &Folder, path: &Path) -> Binary {
    let addresses = format!("127.0.0.1:0,unix:{}", path.display());
    Binary::of(command(folder, &[]).env("WEAPP_SERVER__LISTEN", addresses))
}

#[test]
fn several_addresses_and_a_unix_socket_are_served() {
    let folder = Folder::new();
    let path = folder.path().join("http.sock");
    let server = start(&folder, &path);
    assert_eq!(server.ask("GET", "/livez", "", "").0, 200);
    assert!(ask(&path).starts_with("HTTP/1.1 200 "));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    let banner = format!("http://127.0.0.1:{}, unix:{}", server.port, path.display());
    assert!(server.output().contains(&banner), "{}", server.output());
    let address = format!("unix:{}", path.display());
    let output = run(
        &folder,
        &[("WEAPP_SERVER__LISTEN", &address)],
        &["healthcheck"],
    );
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_socket_of_an_ended_process_is_replaced_and_one_in_use_is_not() {
    let folder = Folder::new();
    let path = folder.path().join("http.sock");
    let mut first = start(&folder, &path);
    first.signal("KILL");
    first.wait();
    assert!(path.exists());
    let second = start(&folder, &path);
    assert!(ask(&path).starts_with("HTTP/1.1 200 "));
    let address = format!("unix:{}", path.display());
    let output = run(&folder, &[("WEAPP_SERVER__LISTEN", &address)], &[]);
    check_rejected(&output, &["(`server.listen`)", "\n  hint: "]);
    assert!(ask(&path).starts_with("HTTP/1.1 200 "));
    drop(second);
}

#[test]
fn a_file_that_is_no_socket_is_kept() {
    let folder = Folder::new();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "mine").unwrap();
    let address = format!("unix:{}", path.display());
    let output = run(&folder, &[("WEAPP_SERVER__LISTEN", &address)], &[]);
    check_rejected(&output, &["another kind of file", "\n  hint: "]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn localhost_means_both_address_families() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[("WEAPP_SERVER__HOST", "localhost")]);
    assert_eq!(server.ask("GET", "/livez", "", "").0, 200);
    // A machine without IPv6 has only the other one.
    if TcpListener::bind("[::1]:0").is_ok() {
        let reply = ask_over(TcpStream::connect(("::1", server.port)).unwrap(), LIVEZ);
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    }
}

#[test]
fn an_idle_connection_is_kept_longer_than_announced() {
    let folder = Folder::new();
    let settings = [("WEAPP_SERVER__KEEP_ALIVE_SECONDS", "2")];
    let server = Binary::start(&folder, &settings);
    let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let start = Instant::now();
    let replies = ask_over(stream, b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let kept = start.elapsed();
    assert!(
        replies
            .to_lowercase()
            .contains("\r\nkeep-alive: timeout=2\r\n"),
        "{replies}"
    );
    assert!((2_900..6_000).contains(&kept.as_millis()), "{kept:?}");
}

#[test]
fn a_hangup_drains_the_server() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[("WEAPP_SERVER__DRAIN_SECONDS", "60")]);
    let mut connection = server.connect();
    assert_eq!(connection.ask("GET", "/readyz", "", "").unwrap().0, 200);
    server.signal("HUP");
    server.wait_for("stopping");
    let (status, closes, _) = connection.ask_for_all("GET", "/readyz", "", "").unwrap();
    assert_eq!((status, closes), (503, true));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn nohup_protects_the_server_from_a_hangup() {
    let folder = Folder::new();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", r#"trap "" HUP; exec "$0""#, BINARY])
        .current_dir(folder.path())
        .env_clear()
        .env("WEAPP_SERVER__PORT", "0")
        .stdin(Stdio::null());
    let mut server = Binary::of(&mut command);
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.ask("GET", "/livez", "", "").0, 200);
    server.stop();
}

#[test]
fn a_host_that_is_none_is_rejected() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let ask = |host: &str| {
        let mut connection = server.connect();
        connection.send(format!("GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        connection.reply().expect("a reply")
    };
    for host in ["a b", "user@localhost", "localhost:80:80", "[::1"] {
        let (status, body) = ask(host);
        assert_eq!(
            (status, &body["error"]),
            (400, &"bad_request".into()),
            "{host}"
        );
    }
    for host in ["", "localhost", "127.0.0.1:3000", "[::1]:3000"] {
        assert_eq!(ask(host).0, 200, "{host}");
    }
}

#[test]
fn a_connection_that_was_cut_off_is_counted() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[("WEAPP_METRICS__ENABLED", "true")]);
    let mut greedy = server.connect();
    greedy.send(format!("GET / HTTP/1.1\r\nx-large: {}", "a".repeat(17_000)).as_bytes());
    let (status, _, _) = greedy.text().unwrap();
    assert_eq!(status, 431);
    let (_, metrics) = server.get("/metrics", "");
    for line in [
        "weapp_connections_cut_off_total{reason=\"large_head\"} 1\n",
        "weapp_connections_cut_off_total{reason=\"slow_head\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(metrics.contains("\nweapp_connections_open "), "{metrics}");
}
