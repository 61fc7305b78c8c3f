//! The simulator over its socket, by a client that knows nothing but TCP and what WeChat documents.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;

mod access_tokens;
mod complaints;
mod control;
mod encrypted;
mod faults;
mod life;
mod login;
mod phone;
mod session_keys;

/// The first block of a rid at this time is `668f2aa4`.
const NOW: u64 = 0x668f_2aa4;
const EXCHANGE: Endpoint = Endpoint::Code2Session;
const UNISSUED: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";
const PHONE: &str = "e31968a7f94cc5ee25fafc2aef2773f0bb8c3937b22520eb8ee345274d00c144";
const FOUR_MINUTES: Duration = Duration::from_mins(4);
const ONE_MINUTE: Duration = Duration::from_mins(1);

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

async fn simulator() -> Simulator {
    Simulator::start(options()).await.unwrap()
}

/// Asks and reads to the end; what the network says when there is no end.
fn try_ask(simulator: &Simulator, method: &str, target: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(simulator.address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: api.weixin.qq.com\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

fn ask(simulator: &Simulator, method: &str, target: &str) -> Reply {
    ask_with(simulator, method, target, "")
}

fn ask_with(simulator: &Simulator, method: &str, target: &str, body: &str) -> Reply {
    let reply = try_ask(simulator, method, target, body).unwrap();
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

fn target_with(app_id: &str, secret: &str, code: &str) -> String {
    let code = code.replace(' ', "%20");
    format!(
        "/sns/jscode2session?appid={app_id}&secret={secret}&js_code={code}&grant_type=authorization_code"
    )
}

fn target(simulator: &Simulator, code: &str) -> String {
    target_with(simulator.app_id(), simulator.app_secret(), code)
}

/// The JSON of an answer as WeChat wraps it, with the random blocks of the rid replaced by stars.
#[track_caller]
fn json_of(reply: Reply) -> Value {
    assert_eq!(reply.status, "HTTP/1.1 200 OK");
    assert_eq!(reply.content_type, "text/plain");
    let mut json: Value = serde_json::from_str(&reply.body).unwrap();
    if refused(&json) != 0
        && let Some(errmsg) = json.get("errmsg").and_then(Value::as_str)
    {
        let (errmsg, random) = errmsg.split_at(errmsg.len() - 17);
        let blocks: Vec<&str> = random.split('-').collect();
        assert!(
            matches!(blocks[..], [a, b] if a.len() == 8 && b.len() == 8),
            "{random}"
        );
        assert!(
            random
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        );
        json = json!({"errcode": json["errcode"], "errmsg": format!("{errmsg}*-*")});
    }
    json
}

#[track_caller]
fn exchange(simulator: &Simulator, code: &str) -> Value {
    json_of(ask(simulator, "GET", &target(simulator, code)))
}

/// Asks a `GET` endpoint.
#[track_caller]
fn get(simulator: &Simulator, target: &str) -> Value {
    json_of(ask(simulator, "GET", target))
}

/// Asks a `POST` endpoint.
#[track_caller]
fn post(simulator: &Simulator, target: &str, body: &Value) -> Value {
    json_of(ask_with(simulator, "POST", target, &body.to_string()))
}

/// Asks for a stable token, and tells it and its seconds.
#[track_caller]
fn stable_token(simulator: &Simulator, force_refresh: bool) -> (String, u64) {
    let body = json!({
        "grant_type": "client_credential",
        "appid": simulator.app_id(),
        "secret": simulator.app_secret(),
        "force_refresh": force_refresh,
    });
    granted(&post(simulator, "/cgi-bin/stable_token", &body))
}

#[track_caller]
fn granted(answer: &Value) -> (String, u64) {
    let token = answer["access_token"].as_str().unwrap().to_owned();
    (token, answer["expires_in"].as_u64().unwrap())
}

/// Logs the user of that name in, and tells their session key.
#[track_caller]
fn log_in(simulator: &Simulator, user: &str) -> String {
    let answer = exchange(simulator, &simulator.issue_code(user));
    answer["session_key"].as_str().unwrap().to_owned()
}

/// The signature of the empty text, as a client computes it.
fn signature(session_key: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(session_key.as_bytes()).unwrap();
    identifiers::hexadecimal(&mac.finalize().into_bytes())
}

/// The target of an endpoint that asks for a token, an openid and a signature.
fn signed_target(path: &str, access_token: &str, openid: &str, session_key: &str) -> String {
    let signature = signature(session_key);
    format!(
        "{path}?access_token={access_token}&openid={openid}&signature={signature}&sig_method=hmac_sha256"
    )
}

/// A refusal at the time at which the tests' clocks start.
fn refusal(errcode: i64, errmsg: &str) -> Value {
    json!({"errcode": errcode, "errmsg": format!("{errmsg}, rid: 668f2aa4-*-*")})
}

fn refused(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or(0)
}

/// A connection on which a request waits for ever.
fn silent_request(wechat: &Simulator) -> TcpStream {
    let before = wechat.requests().len();
    wechat.fail_next(EXCHANGE, Fault::Silence);
    let mut stream = TcpStream::connect(wechat.address).unwrap();
    let target = target(wechat, UNISSUED);
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while wechat.requests().len() == before {
        thread::sleep(Duration::from_millis(1));
    }
    stream
}
