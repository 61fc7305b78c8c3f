//! Inherited sockets: they are served, stay open, and are rejected if they cannot be served.

use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::Command;
use std::time::Duration;

use crate::harness::Folder;
use crate::server::{Binary, Connection, LIVEZ, activated, ask_over, listen};

const BINARY: &str = env!("CARGO_BIN_EXE_weapp-login");
const ONE: &str = "LISTEN_FDS=1 LISTEN_PID=$$";

fn command(folder: &Folder, inherited: impl Into<OwnedFd>, variables: &str) -> Command {
    let settings = [
        ("WEAPP_SERVER__PORT", "0"),
        ("WEAPP_SERVER__DRAIN_SECONDS", "60"),
    ];
    activated((BINARY, folder), &settings, inherited, variables)
}

fn start(folder: &Folder, socket: &TcpListener) -> Binary {
    Binary::of(&mut command(folder, socket.try_clone().unwrap(), ONE))
}

#[test]
fn a_request_between_two_processes_is_answered_by_the_next_one() {
    let folder = Folder::new();
    let (socket, port) = listen();
    let mut first = start(&folder, &socket);
    assert_eq!(first.port, port);
    let line = first.output();
    assert!(
        line.contains(
            "socket: inherited; `server.listen`, `server.host` and `server.port` are ignored"
        ),
        "{line}"
    );
    assert_eq!(first.ask("GET", "/livez", "", "").0, 200);
    first.stop();
    let mut waiting = Connection::to(port);
    waiting.send(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    let second = start(&folder, &socket);
    assert_eq!(waiting.reply().expect("an answer").0, 200);
    drop(second);
}

#[test]
fn a_draining_process_leaves_new_connections_to_the_other() {
    let folder = Folder::new();
    let (socket, port) = listen();
    let mut old = start(&folder, &socket);
    // An open, idle connection keeps the old process running.
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
    assert_eq!((status, closes), (503, true), "the old process still runs");
    assert_eq!(old.wait().code(), Some(0));
    drop(new);
}

#[test]
fn the_service_manager_is_notified() {
    let folder = Folder::new();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let notification = || {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut server = Binary::start(&folder, &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(notification(), "READY=1\n");
    server.signal("TERM");
    assert_eq!(notification(), "STOPPING=1\n");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn an_inherited_unix_socket_is_served() {
    let folder = Folder::new();
    let path = folder.path().join("http.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let mut child = command(&folder, socket, ONE).spawn().unwrap();
    let reply = ask_over(UnixStream::connect(&path).unwrap(), LIVEZ);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
}

#[test]
fn a_socket_for_another_process_is_ignored() {
    let folder = Folder::new();
    let (socket, port) = listen();
    let for_init = command(&folder, socket, "LISTEN_FDS=1 LISTEN_PID=1");
    let server = Binary::of(&mut { for_init });
    assert_ne!(server.port, port);
    assert_eq!(server.ask("GET", "/livez", "", "").0, 200);
}

#[track_caller]
fn check_rejected(inherited: impl Into<OwnedFd>, variables: &str, says: &str) {
    let folder = Folder::new();
    let output = command(&folder, inherited, variables).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "weapp-login: cannot listen on the inherited socket (LISTEN_FDS): {says}\n  \
             hint: pass listening TCP or Unix sockets, as a .socket unit with ListenStream= does, or unset LISTEN_FDS\n"
        )
    );
    assert!(
        !folder.path().join("data").exists(),
        "no database is created before the socket is accepted"
    );
}

#[test]
fn an_unusable_socket_is_rejected_with_a_hint() {
    let file = || File::open("/dev/null").unwrap();
    check_rejected(file(), ONE, "fd 3 is not a socket");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    check_rejected(udp, ONE, "fd 3 is not a valid tcp socket");
    let local = UnixDatagram::unbound().unwrap();
    check_rejected(local, ONE, "fd 3 is not a valid tcp socket");
    let (listener, port) = listen();
    let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    check_rejected(
        connection,
        ONE,
        "it is a connection, not a listening socket (`Accept=no` in the unit)",
    );
    check_rejected(
        listener,
        "LISTEN_FDS=2 LISTEN_PID=$$",
        "fd 4 is not a socket",
    );
}
