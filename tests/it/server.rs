//! Runs the binary as a process and connects to it over sockets.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Folder;

/// The settings of a mini program in production. WeChat does not know it.
pub(crate) const PRODUCTION: [(&str, &str); 3] = [
    ("WEAPP_PROFILE", "production"),
    ("WEAPP_APPS__MAIN__APP_ID", "wx0123456789abcdef"),
    (
        "WEAPP_APPS__MAIN__APP_SECRET",
        "0123456789abcdef0123456789abcdef",
    ),
];

/// A health check whose response ends the connection.
pub(crate) const LIVEZ: &[u8] =
    b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A running server. It is killed when the test ends.
pub(crate) struct Binary {
    child: Child,
    pub(crate) port: u16,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// Returns the command, with its own working directory and only these variables.
pub(crate) fn command(folder: &Folder, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weapp-login"));
    command
        .current_dir(folder.path())
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Returns a command that starts a binary with an inherited file descriptor 3, as systemd does. `$$` is the process id for
/// `LISTEN_PID`, because the shell is replaced by the binary.
pub(crate) fn activated(
    (binary, folder): (&str, &Folder),
    environment: &[(&str, &str)],
    inherited: impl Into<OwnedFd>,
    variables: &str,
) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = format!(r#"exec 3<&0 </dev/null; export {variables}; exec "$0""#);
    command
        .args(["-c", &script, binary])
        .current_dir(folder.path())
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(inherited.into());
    command
}

/// Runs a command until it ends.
pub(crate) fn run(folder: &Folder, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    command(folder, environment)
        .args(arguments)
        .output()
        .unwrap()
}

/// Asserts that a command was rejected with exit code 2, and that its error message has these parts.
#[track_caller]
pub(crate) fn check_rejected(output: &Output, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no `{part}` in:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// Listens on a free port, and returns it as well.
pub(crate) fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Returns a port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    listen().1
}

/// Sends a request whose response ends the connection, and returns the whole response.
pub(crate) fn ask_over(mut stream: impl Read + Write, request: &[u8]) -> String {
    stream.write_all(request).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

impl Binary {
    /// Starts a server on a free port and waits until it prints its address.
    pub(crate) fn start(folder: &Folder, environment: &[(&str, &str)]) -> Self {
        Self::of(command(folder, environment).env("WEAPP_SERVER__PORT", "0"))
    }

    /// Starts a command and waits until it prints its address.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        let readers = vec![
            follow(child.stdout.take().unwrap(), &output),
            follow(child.stderr.take().unwrap(), &output),
        ];
        let mut binary = Self {
            child,
            port: 0,
            output,
            readers,
        };
        let line = binary.wait_for("http://");
        let (_, after) = line.split_once("http://").unwrap();
        let address = after.split([';', ',', ' ', '/']).next().unwrap();
        binary.port = address.rsplit(':').next().unwrap().parse().unwrap();
        binary
    }

    /// Waits for a line of output that contains a text.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let output = self.output();
            if let Some(line) = output.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(
                Instant::now() < deadline,
                "no `{text}` in the output:\n{output}"
            );
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "the server ended:\n{output}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the output so far, of both streams.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Returns the id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until the process has ended and all its output is read.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        status
    }

    /// Stops the server, and returns its output.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> String {
        self.signal("TERM");
        assert_eq!(self.wait().code(), Some(0));
        self.output()
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::to(self.port)
    }

    /// Sends a request on a new connection and returns status and body.
    pub(crate) fn ask(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
        self.connect()
            .ask(method, path, token, body)
            .expect("a response")
    }

    pub(crate) fn login(&self, code: &str) -> (u16, Value) {
        self.ask(
            "POST",
            "/login",
            "",
            &serde_json::json!({ "code": code }).to_string(),
        )
    }

    /// Logs in and returns the token and the user's id.
    #[track_caller]
    pub(crate) fn log_in(&self, code: &str) -> (String, String) {
        let (status, reply) = self.login(code);
        assert_eq!(status, 200, "{reply}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let data = &reply["data"];
        (text(&data["token"]), text(&data["user"]["id"]))
    }

    /// Posts a login with more header lines on a new connection.
    pub(crate) fn login_with(&self, headers: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let request = format!(
            "POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = self.connect();
        connection.send(request.as_bytes());
        connection.reply().expect("a response")
    }

    /// Gets a path with more header lines on a new connection, and returns the status and the text.
    pub(crate) fn get(&self, path: &str, headers: &str) -> (u16, String) {
        let mut connection = self.connect();
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        connection.send(head.as_bytes());
        let (status, _, text) = connection.text().expect("a response");
        (status, text)
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn follow(stream: impl Read + Send + 'static, output: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            let mut output = output.lock().unwrap();
            output.push_str(&String::from_utf8_lossy(&line));
            output.push('\n');
        }
    })
}

/// A connection to a server that is kept alive between requests.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn to(port: u16) -> Self {
        Self::open(port).unwrap()
    }

    pub(crate) fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Connects to a port that a server opens in the background.
    pub(crate) fn when_open(port: u16) -> Self {
        for _ in 0..2000 {
            if let Ok(connection) = Self::open(port) {
                return connection;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("no server listens on port {port}");
    }

    /// Closes the connection with a reset (TCP RST), as a phone that lost its network.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(self.0.get_ref());
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Sends raw bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Sends a request and returns status and body; `None` if the server closes the connection.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Option<(u16, Value)> {
        let (status, _, body) = self.ask_for_all(method, path, token, body)?;
        Some((status, body))
    }

    /// The same, with `true` as the second value if the response has `Connection: close`.
    pub(crate) fn ask_for_all(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Option<(u16, bool, Value)> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             authorization: Bearer {token}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).ok()?;
        self.whole_reply()
    }

    /// Returns `true` if the server closed the connection without sending more data.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }

    /// Reads a line with its end; empty if the server closed the connection.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// Reads a chunk of a response; empty at its end.
    pub(crate) fn chunk(&mut self) -> String {
        let size = self.line();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let mut chunk = vec![0; size];
        self.0.read_exact(&mut chunk).unwrap();
        assert_eq!(self.line(), "\r\n");
        String::from_utf8(chunk).unwrap()
    }

    /// Reads a response; `None` if the server closes the connection before it is complete.
    pub(crate) fn reply(&mut self) -> Option<(u16, Value)> {
        let (status, _, body) = self.whole_reply()?;
        Some((status, body))
    }

    fn whole_reply(&mut self) -> Option<(u16, bool, Value)> {
        let (status, closes, text) = self.text()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some((status, closes, body))
    }

    /// Reads a response without parsing its body. The second value is `true` if it has `Connection: close`.
    pub(crate) fn text(&mut self) -> Option<(u16, bool, String)> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse().unwrap());
        let status = head.get(9..12)?.parse().ok()?;
        let closes = head
            .to_ascii_lowercase()
            .contains("\r\nconnection: close\r\n");
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some((status, closes, String::from_utf8(body).ok()?))
    }
}
