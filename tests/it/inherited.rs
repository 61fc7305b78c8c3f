//! A socket that was handed over: served, left open, and refused if it cannot be served.

use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use crate::harness::Folder;
use crate::server::{Binary, Connection, activated};

const BINARY: &str = env!("CARGO_BIN_EXE_weapp-login");
const ONE: &str = "LISTEN_FDS=1 LISTEN_PID=$$";

/// A listening socket, as systemd holds one.
fn socket() -> (TcpListener, u16) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

fn command(folder: &Folder, handed_over: impl Into<OwnedFd>, variables: &str) -> Command {
    let settings = [
        ("WEAPP_SERVER__PORT", "0"),
        ("WEAPP_SERVER__DRAIN_SECONDS", "60"),
    ];
    activated((BINARY, folder), &settings, handed_over, variables)
}

fn start(folder: &Folder, socket: &TcpListener) -> Binary {
    Binary::of(&mut command(folder, socket.try_clone().unwrap(), ONE))
}

#[test]
fn what_arrives_while_nobody_serves_is_answered_by_the_next_process() {
    let folder = Folder::new();
    let (socket, port) = socket();
    let mut first = start(&folder, &socket);
    assert_eq!(first.port, port);
    let line = first.output();
    assert!(
        line.contains("socket: inherited; `server.host` and `server.port` are not looked at"),
        "{line}"
    );
    assert_eq!(first.ask("GET", "/livez", "", "").0, 200);
    first.signal("TERM");
    assert_eq!(first.wait().code(), Some(0));
    let mut waiting = Connection::to(port);
    waiting.send(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    let second = start(&folder, &socket);
    assert_eq!(waiting.reply().expect("an answer").0, 200);
    drop(second);
}

#[test]
fn a_process_on_its_way_out_leaves_new_connections_to_the_other() {
    let folder = Folder::new();
    let (socket, port) = socket();
    let mut old = start(&folder, &socket);
    // Keeps the old one: it is open, and silent.
    let mut kept = Connection::to(port);
    assert_eq!(kept.ask("GET", "/livez", "", "").unwrap().0, 200);
    let new = start(&folder, &socket);
    old.signal("TERM");
    old.wait_for("stopping");
    for _ in 0..50 {
        let (status, closes, _) = Connection::to(port)
            .ask_for_all("GET", "/readyz", "", "")
            .expect("an answer");
        assert_eq!((status, closes), (200, false));
    }
    let (status, closes, _) = kept.ask_for_all("GET", "/readyz", "", "").unwrap();
    assert_eq!((status, closes), (503, true), "the old one is still there");
    assert_eq!(old.wait().code(), Some(0));
    drop(new);
}

#[test]
fn the_service_manager_is_told() {
    let folder = Folder::new();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let told = || {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut server = Binary::start(&folder, &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(told(), "READY=1\n");
    server.signal("TERM");
    assert_eq!(told(), "STOPPING=1\n");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_socket_for_another_process_is_left_alone() {
    let folder = Folder::new();
    let (socket, port) = socket();
    let for_init = command(&folder, socket, "LISTEN_FDS=1 LISTEN_PID=1");
    let server = Binary::of(&mut { for_init });
    assert_ne!(server.port, port);
    assert_eq!(server.ask("GET", "/livez", "", "").0, 200);
}

#[track_caller]
fn check_refused(handed_over: impl Into<OwnedFd>, variables: &str, says: &str) {
    let folder = Folder::new();
    let output = command(&folder, handed_over, variables).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "weapp-login: cannot listen on the inherited socket (LISTEN_FDS): {says}\n  \
             hint: hand over one listening TCP socket, as a .socket unit with one ListenStream= does, or unset LISTEN_FDS\n"
        )
    );
    assert!(
        !folder.path().join("data").exists(),
        "no database before there is a socket"
    );
}

#[test]
fn what_cannot_be_served_is_refused_with_a_way_out() {
    let file = || File::open("/dev/null").unwrap();
    check_refused(file(), ONE, "fd 3 is not a socket");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    check_refused(udp, ONE, "fd 3 is not a valid tcp socket");
    let local = UnixDatagram::unbound().unwrap();
    check_refused(local, ONE, "fd 3 is not a valid tcp socket");
    let (listener, port) = socket();
    let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    check_refused(
        connection,
        ONE,
        "it is a connection and does not listen (`Accept=no` in the unit)",
    );
    check_refused(
        listener,
        "LISTEN_FDS=2 LISTEN_PID=$$",
        "there are 2 sockets, and one is served",
    );
}
