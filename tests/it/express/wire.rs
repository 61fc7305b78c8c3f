//! A minimal HTTP client over a raw socket, which sends exactly the given bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::case::{Script, Step};

#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        let value: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        value.is_object().then_some(value)
    }
}

/// Sends the steps, then collects responses until there are enough, the time has run out, or the server closes the connection.
pub(crate) fn exchange(address: SocketAddr, script: &Script) -> Vec<Response> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    for step in &script.steps {
        let sent = match step {
            Step::Send(bytes) => socket.write_all(bytes),
            Step::Wait(milliseconds) => {
                sleep(Duration::from_millis(*milliseconds));
                Ok(())
            }
            Step::HalfClose => socket.shutdown(Shutdown::Write),
        };
        if sent.is_err() {
            break;
        }
    }
    collect(&mut socket, script)
}

fn collect(socket: &mut TcpStream, script: &Script) -> Vec<Response> {
    let end = Instant::now() + Duration::from_millis(script.timeout_ms);
    let mut responses = Vec::new();
    let (mut received, mut closed) = (Vec::new(), false);
    while responses.len() < script.responses {
        let last = script.methods.len() - 1;
        let method = &script.methods[responses.len().min(last)];
        if let Some((response, length)) = parse(&received, method, closed) {
            received.drain(..length);
            responses.push(response);
        } else if closed || Instant::now() > end {
            break;
        } else {
            closed = !pull(socket, &mut received);
        }
    }
    responses
}

/// Waits up to 100 ms for more bytes. Returns `false` at the end of the stream.
fn pull(socket: &mut TcpStream, received: &mut Vec<u8>) -> bool {
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut bytes = [0; 4096];
    match socket.read(&mut bytes) {
        Ok(0) => false,
        Ok(length) => {
            received.extend_from_slice(&bytes[..length]);
            true
        }
        Err(error) => [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()),
    }
}

/// Returns the first response in the bytes and its length. Interim responses are skipped.
fn parse(bytes: &[u8], method: &str, closed: bool) -> Option<(Response, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    if (100..200).contains(&status) {
        let (response, length) = parse(&bytes[end..], method, closed)?;
        return Some((response, end + length));
    }
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let mut response = Response {
        status,
        headers: headers.collect(),
        body: Vec::new(),
    };
    assert_eq!(
        response.header("transfer-encoding"),
        None,
        "every response has a length"
    );
    let bodiless = method == "HEAD" || [204, 304].contains(&status);
    let length = response
        .header("content-length")
        .map(|length| length.parse().unwrap());
    let rest = &bytes[end..];
    let length = match length {
        _ if bodiless => 0,
        Some(length) if rest.len() >= length => length,
        None if closed => rest.len(),
        Some(_) | None => return None,
    };
    response.body = rest[..length].to_vec();
    Some((response, end + length))
}
