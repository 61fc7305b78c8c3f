//! Performs twenty rolling restarts under load and loses no request. It takes a minute, so `.ci/rolling` runs it, with the
//! binary that `WEAPP_LOGIN_BIN` names.
//!
//! The test owns the listening socket, as systemd does, and passes it to one process after the other. As soon as the next
//! process is ready, the previous one gets a stop signal.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::server::{Binary, Connection, activated};

const RESTARTS: u64 = 20;
const REQUESTS: u64 = 200_000;
/// Number of clients that send requests without a pause, and with pauses.
const BUSY: u64 = 24;
const SLOW: u64 = 8;
/// Maximum pause of a slow client. It alternates between two connections, so each is idle for less than the 5 seconds after
/// which the server closes it.
const MAX_PAUSE: Duration = Duration::from_millis(1_400);
const TIMEOUT: Duration = Duration::from_mins(5);

#[test]
#[expect(clippy::print_stdout, reason = "it prints the figures")]
#[ignore = "takes a minute and the release binary: run .ci/rolling"]
fn rolling_restarts_lose_no_request() {
    let rig = Rig::new();
    let tally = Tally::default();
    let mut old = rig.start(0);
    let mut stops = Vec::new();
    thread::scope(|scope| {
        for client in 0..BUSY + SLOW {
            let pause = (client >= BUSY).then_some(MAX_PAUSE);
            let (tally, port) = (&tally, rig.port());
            scope.spawn(move || Client::new(tally, port, pause).visit_until_stopped());
        }
        for round in 1..=RESTARTS {
            tally.wait_for(round * REQUESTS / (RESTARTS + 1));
            let new = rig.start(round);
            tally.round.store(round, Ordering::Relaxed);
            let start = Instant::now();
            old.signal("TERM");
            assert_eq!(old.wait().code(), Some(0), "{}", old.output());
            stops.push(start.elapsed().as_millis());
            old = new;
        }
        tally.wait_for(REQUESTS);
        tally.stopped.store(true, Ordering::Relaxed);
    });
    let sent = tally.sent.load(Ordering::Relaxed);
    let across = tally.across.load(Ordering::Relaxed);
    let lost = tally.lost.into_inner().unwrap();
    println!(
        "{RESTARTS} rolling restarts: {sent} requests, {} lost; {across} visits went on across a restart; \
         a stop took at most {} ms",
        lost.len(),
        stops.iter().max().unwrap()
    );
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(sent >= REQUESTS);
    assert!(across > 0);
}

/// The resources that the processes share: a folder with the store, the listening socket, and WeChat.
struct Rig {
    folder: Folder,
    socket: TcpListener,
    binary: String,
    wechat: Binary,
    app: [String; 2],
}

impl Rig {
    fn new() -> Self {
        let binary = std::env::var("WEAPP_LOGIN_BIN").expect("WEAPP_LOGIN_BIN, an absolute path");
        let folder = Folder::new();
        let mut command = Command::new(&binary);
        let wechat = Binary::of(command.args(["simulate", "--port", "0"]));
        let line = wechat.output();
        let fact = |name: &str| {
            let (_, after) = line.split_once(&format!("; {name}: ")).expect("a fact");
            after.split(';').next().unwrap().to_owned()
        };
        Self {
            app: ["AppID", "AppSecret"].map(fact),
            socket: TcpListener::bind("127.0.0.1:0").unwrap(),
            folder,
            binary,
            wechat,
        }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// Starts a server with the production profile and waits until it is ready.
    fn start(&self, round: u64) -> Binary {
        let notify = self.folder.path().join(format!("notify-{round}"));
        let manager = UnixDatagram::bind(&notify).unwrap();
        manager.set_read_timeout(Some(TIMEOUT)).unwrap();
        let wechat = format!("http://127.0.0.1:{}", self.wechat.port);
        let environment = [
            ("NOTIFY_SOCKET", notify.to_str().unwrap()),
            ("WEAPP_PROFILE", "production"),
            ("WEAPP_APPS__MAIN__APP_ID", &self.app[0]),
            ("WEAPP_APPS__MAIN__APP_SECRET", &self.app[1]),
            ("WEAPP_WECHAT__BASE_URL", &wechat),
            ("WEAPP_LOG__SKIP", "/login,/session,/user"),
        ];
        let socket = self.socket.try_clone().unwrap();
        let server = (self.binary.as_str(), &self.folder);
        let variables = "LISTEN_FDS=1 LISTEN_PID=$$";
        let server = Binary::of(&mut activated(server, &environment, socket, variables));
        let mut message = [0; 64];
        let length = manager.recv(&mut message).expect("READY=1");
        assert_eq!(message[..length], *b"READY=1\n");
        server
    }
}

/// The results of all requests.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    lost: Mutex<Vec<String>>,
    /// Number of restarts so far.
    round: AtomicU64,
    /// Number of visits whose session was created before the last restart.
    across: AtomicU64,
    stopped: AtomicBool,
}

impl Tally {
    fn wait_for(&self, requests: u64) {
        let deadline = Instant::now() + TIMEOUT;
        while self.sent.load(Ordering::Relaxed) < requests {
            assert!(Instant::now() < deadline, "too few responses");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A client that sends each request once. A request without the expected response counts as lost.
struct Client<'a> {
    tally: &'a Tally,
    port: u16,
    pause: Option<Duration>,
    /// Two connections that are used in turn, so that a user is connected to two processes at once.
    connections: [Option<Connection>; 2],
}

impl<'a> Client<'a> {
    fn new(tally: &'a Tally, port: u16, pause: Option<Duration>) -> Self {
        Self {
            tally,
            port,
            pause,
            connections: [None, None],
        }
    }

    fn visit_until_stopped(mut self) {
        while !self.tally.stopped.load(Ordering::Relaxed) {
            // Errors are counted in the tally; the client continues with another visit.
            self.visit().unwrap_or_default();
        }
    }

    /// Performs the visit of one user, from login to logout. Each step must see the changes of the previous ones, in whichever
    /// process they were made.
    fn visit(&mut self) -> Option<()> {
        let code = format!("{:032x}", u128::from_ne_bytes(random()));
        let login = self.ask(("POST", "/login"), "", &json!({ "code": code }), 200)?;
        let since = self.tally.round.load(Ordering::Relaxed);
        let token = login["data"]["token"].as_str()?;
        let user = &login["data"]["user"]["id"];
        let none = Value::Null;
        for nickname in ["Mei", "小美"] {
            for _ in 0..3 {
                let shown = self.ask(("GET", "/session"), token, &none, 200)?;
                self.check(&shown["data"]["user"]["id"], user)?;
            }
            let profile = json!({ "nickname": nickname });
            self.ask(("PUT", "/user"), token, &profile, 200)?;
            let shown = self.ask(("GET", "/user"), token, &none, 200)?;
            self.check(&shown["data"]["user"]["nickname"], &profile["nickname"])?;
        }
        if since != self.tally.round.load(Ordering::Relaxed) {
            self.tally.across.fetch_add(1, Ordering::Relaxed);
        }
        self.ask(("DELETE", "/session"), token, &none, 200)?;
        // Once on each connection.
        for _ in 0..2 {
            let rejected = self.ask(("GET", "/session"), token, &none, 401)?;
            self.check(&rejected["error"], &"session_required".into())?;
        }
        Some(())
    }

    /// Sends one request, once, and expects this status.
    fn ask(
        &mut self,
        (method, path): (&str, &str),
        token: &str,
        body: &Value,
        expected: u16,
    ) -> Option<Value> {
        if let Some(longest) = self.pause {
            thread::sleep(longest.mul_f64(f64::from(u16::from_ne_bytes(random())) / 65_536.0));
        }
        self.connections.swap(0, 1);
        self.tally.sent.fetch_add(1, Ordering::Relaxed);
        let mut connection = match self.connections[0].take() {
            Some(connection) => connection,
            None => match Connection::open(self.port) {
                Ok(connection) => connection,
                Err(error) => return self.lose(format!("cannot connect: {error}")),
            },
        };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let reply = connection.ask_for_all(method, path, token, &body);
        let Some((status, closes, reply)) = reply else {
            return self.lose(format!("{method} {path} has no response"));
        };
        if !closes {
            self.connections[0] = Some(connection);
        }
        if status != expected {
            return self.lose(format!("{method} {path} returned {status}: {reply}"));
        }
        Some(reply)
    }

    fn check(&self, got: &Value, expected: &Value) -> Option<()> {
        if got == expected {
            return Some(());
        }
        self.lose(format!("got {got} for {expected}"))
    }

    fn lose<T>(&self, what: String) -> Option<T> {
        self.tally.lost.lock().unwrap().push(what);
        None
    }
}

fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
