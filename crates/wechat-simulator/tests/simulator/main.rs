//! The simulator over its socket, with a client that uses plain TCP.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wechat_simulator::{
    App, Clock, EncryptedData, Endpoint, Fault, Limits, MOCK_USER, Options, Payload, Payment,
    RecordedRequest, RotateAt, SessionKeyPolicy, Simulator, StartError,
};

mod access_tokens;
mod control;
mod control_errors;
mod encrypted_data;
mod faults;
mod guard;
mod lifecycle;
mod login;
mod neighbours;
mod push;
mod samples;
mod saved_state;
mod session_keys;
mod tls;
mod user_data;
mod web_login;

/// The time at which the tests' clocks start: the first block of a rid is then `668f2aa4`.
const NOW: u64 = 0x668f_2aa4;
const LOGIN: Endpoint = Endpoint::Code2Session;
const MOCK_CODE: &str = "the code is a mock one";
const UNISSUED_CODE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";
const UNISSUED_PHONE_CODE: &str =
    "e31968a7f94cc5ee25fafc2aef2773f0bb8c3937b22520eb8ee345274d00c144";
/// The message of error 40001.
const NOT_LATEST: &str = "invalid credential, access_token is invalid or not latest, could get access_token by \
    getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r";
const ONE_MINUTE: Duration = Duration::from_mins(1);
const FOUR_MINUTES: Duration = Duration::from_mins(4);

#[derive(Debug, PartialEq, Eq)]
struct Reply {
    status: String,
    content_type: String,
    location: String,
    body: String,
}

fn options() -> Options {
    Options {
        clock: Clock::virtual_at(NOW),
        ..Options::new(7)
    }
}

async fn start(options: Options) -> Simulator {
    Simulator::start(options).await.unwrap()
}

async fn simulator() -> Simulator {
    start(options()).await
}

/// Starts a simulator with the apps `one` and `two`, and returns `two` as well.
async fn simulator_with_two_apps() -> (Simulator, App) {
    let two = App::named(7, "two");
    let apps = vec![App::named(7, "one"), two.clone()];
    (start(Options { apps, ..options() }).await, two)
}

/// Starts a simulator with an app that belongs to an Open Platform account.
async fn simulator_with_unionids() -> Simulator {
    let apps = vec![App::named(7, "main").with_open_platform("ours")];
    start(Options { apps, ..options() }).await
}

/// Sends a request and reads until the connection ends.
fn send(simulator: &Simulator, method: &str, target: &str, body: &str) -> io::Result<String> {
    let host = if target.starts_with("/simulator") {
        "localhost"
    } else {
        "api.weixin.qq.com"
    };
    send_with(simulator, method, target, &[("Host", host)], body)
}

fn send_with(
    simulator: &Simulator,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<String> {
    let mut stream = TcpStream::connect(simulator.address())?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "{method} {target} HTTP/1.1\r\n")?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(
        stream,
        "Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

fn request(simulator: &Simulator, method: &str, target: &str) -> Reply {
    request_with(simulator, method, target, "")
}

fn request_with(simulator: &Simulator, method: &str, target: &str, body: &str) -> Reply {
    let reply = send(simulator, method, target, body).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    Reply {
        status: head.lines().next().unwrap().to_owned(),
        content_type: header("content-type"),
        location: header("location"),
        body: body.to_owned(),
    }
}

/// Returns the JSON of a reply. Checks its head and the text before the rid, which depend on the path, and replaces the random
/// blocks of the rid with stars.
#[track_caller]
fn json_of(target: &str, reply: &Reply) -> Value {
    let (content_type, separator) = match target.split('/').nth(1).unwrap() {
        "sns" => ("text/plain", ", rid: "),
        family if family.starts_with("wxa") => ("application/json; charset=UTF-8", " rid: "),
        _ => ("application/json; encoding=utf-8", " rid: "),
    };
    assert_eq!(reply.status, "HTTP/1.1 200 OK");
    assert_eq!(reply.content_type, content_type);
    let json: Value = serde_json::from_str(&reply.body).unwrap();
    if errcode(&json) == 0 {
        return json;
    }
    let errmsg = json["errmsg"].as_str().unwrap();
    let (errmsg, random) = errmsg.split_at(errmsg.len() - 17);
    let is_block = |block: &str| block.len() == 8 && is_hex(block);
    assert!(random.split('-').all(is_block), "{random}");
    let (errmsg, time) = errmsg.rsplit_once(separator).unwrap();
    json!({"errcode": json["errcode"], "errmsg": format!("{errmsg}, rid: {time}*-*")})
}

#[track_caller]
fn get(simulator: &Simulator, target: &str) -> Value {
    json_of(target, &request(simulator, "GET", target))
}

#[track_caller]
fn post(simulator: &Simulator, target: &str, body: &Value) -> Value {
    json_of(
        target,
        &request_with(simulator, "POST", target, &body.to_string()),
    )
}

/// Returns an error reply at [`NOW`], as [`json_of`] returns it: with a comma before the rid.
fn error(errcode: i64, errmsg: &str) -> Value {
    json!({"errcode": errcode, "errmsg": format!("{errmsg}, rid: 668f2aa4-*-*")})
}

fn errcode(reply: &Value) -> i64 {
    reply["errcode"].as_i64().unwrap_or(0)
}

fn login_target_of(app: &App, code: &str) -> String {
    let (id, secret, code) = (&app.id, &app.secret, code.replace(' ', "%20"));
    format!(
        "/sns/jscode2session?appid={id}&secret={secret}&js_code={code}&grant_type=authorization_code"
    )
}

fn login_target(simulator: &Simulator, code: &str) -> String {
    let app = App {
        id: simulator.app_id().to_owned(),
        secret: simulator.app_secret().to_owned(),
        open_platform: None,
    };
    login_target_of(&app, code)
}

fn login_reply(simulator: &Simulator, code: &str) -> Reply {
    request(simulator, "GET", &login_target(simulator, code))
}

#[track_caller]
fn log_in_with(simulator: &Simulator, code: &str) -> Value {
    get(simulator, &login_target(simulator, code))
}

/// Logs the user in and returns their session key.
#[track_caller]
fn log_in(simulator: &Simulator, user: &str) -> String {
    let reply = log_in_with(simulator, &simulator.issue_code(user));
    reply["session_key"].as_str().unwrap().to_owned()
}

/// Returns a stable access token and its seconds until expiry.
#[track_caller]
fn stable_token(simulator: &Simulator, force_refresh: bool) -> (String, u64) {
    let body = json!({
        "grant_type": "client_credential",
        "appid": simulator.app_id(),
        "secret": simulator.app_secret(),
        "force_refresh": force_refresh,
    });
    token_of(&post(simulator, "/cgi-bin/stable_token", &body))
}

#[track_caller]
fn token_of(reply: &Value) -> (String, u64) {
    let token = reply["access_token"].as_str().unwrap().to_owned();
    (token, reply["expires_in"].as_u64().unwrap())
}

/// Returns the target of a call that needs a token.
fn with_token(simulator: &Simulator, path: &str) -> String {
    let (token, _) = stable_token(simulator, false);
    format!("{path}?access_token={token}")
}

/// Returns the target of a call that needs a token, an openid and a signature.
fn signed_target(path: &str, access_token: &str, openid: &str, session_key: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(session_key.as_bytes()).unwrap();
    let signature = hex(&mac.finalize().into_bytes());
    format!(
        "{path}?access_token={access_token}&openid={openid}&signature={signature}&sig_method=hmac_sha256"
    )
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| format!("{digit:x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn is_hex(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns a connection whose request never gets a reply.
fn silent_request(wechat: &Simulator) -> TcpStream {
    let before = wechat.requests().len();
    wechat.fail_next(LOGIN, Fault::Silence);
    let mut stream = TcpStream::connect(wechat.address()).unwrap();
    let target = login_target(wechat, UNISSUED_CODE);
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while wechat.requests().len() == before {
        thread::sleep(Duration::from_millis(1));
    }
    stream
}
