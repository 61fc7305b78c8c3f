//! `pace PORT TOKENS PER_SECOND SECONDS`: sends session checks at a constant rate and prints their latency.
//!
//! The latency counts from the time when a request is due, so it includes the wait for a free connection.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZero;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

const CONNECTIONS: usize = 32;

/// Maximum wait for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection, and the due time of its request in flight.
struct Connection {
    stream: TcpStream,
    due: Option<Instant>,
    /// The received part of the response.
    received: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, port, tokens, per_second, seconds] = arguments.as_slice() else {
        return Err("pace PORT TOKENS PER_SECOND SECONDS".into());
    };
    let (port, per_second, seconds): (u16, f64, f64) =
        (port.parse()?, per_second.parse()?, seconds.parse()?);
    let tokens = fs::read_to_string(tokens)?;
    let requests: Vec<String> = tokens.lines().map(request).collect();
    let connections = (0..CONNECTIONS).map(|_| Connection::to(port));
    let mut connections: Vec<Connection> = connections.collect::<Result<_, _>>()?;
    // Otherwise the kernel lets a thread sleep up to 50 µs too long.
    rustix::thread::set_current_timer_slack(NonZero::new(1))?;
    let mut latencies = send_all(&mut connections, &requests, per_second, seconds)?;
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_micros();
    let (count, median, p99) = (latencies.len(), at(50), at(99));
    println!("{{\"requests\":{count},\"p50\":{median},\"p99\":{p99}}}");
    Ok(())
}

/// The tokens are in random order in the file, so they can be used one after the other.
fn request(token: &str) -> String {
    format!("GET /session HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Sends each due request on a free connection, until all requests are sent and have a response.
fn send_all(
    connections: &mut [Connection],
    requests: &[String],
    per_second: f64,
    seconds: f64,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let start = Instant::now();
    let mut latencies = Vec::new();
    let mut requests = requests.iter().cycle();
    let mut due = start;
    let pause = Duration::from_secs_f64(1.0 / per_second);
    let end = start + Duration::from_secs_f64(seconds);
    loop {
        let now = Instant::now();
        for connection in connections
            .iter_mut()
            .filter(|connection| connection.due.is_none())
        {
            if due > now || due >= end {
                break;
            }
            connection.send(requests.next().ok_or("no tokens")?, due)?;
            due += pause;
        }
        let all_sent = due >= end;
        if all_sent
            && connections
                .iter()
                .all(|connection| connection.due.is_none())
        {
            return Ok(latencies);
        }
        let idle = connections
            .iter()
            .any(|connection| connection.due.is_none());
        let timeout = if idle && !all_sent {
            due.saturating_duration_since(now)
        } else {
            RESPONSE_TIMEOUT
        };
        for connection in wait(connections, timeout)? {
            latencies.extend(connection.receive()?);
        }
    }
}

/// Waits for a response or for the timeout. Returns the connections with data.
fn wait(
    connections: &mut [Connection],
    timeout: Duration,
) -> Result<Vec<&mut Connection>, Box<dyn Error>> {
    let polled = connections
        .iter()
        .filter(|connection| connection.due.is_some());
    let mut polled: Vec<_> = polled
        .map(|connection| PollFd::new(&connection.stream, PollFlags::IN))
        .collect();
    if poll(&mut polled, Some(&Timespec::try_from(timeout)?))? == 0 && timeout >= RESPONSE_TIMEOUT {
        return Err("no response".into());
    }
    let readable: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
    let busy = connections
        .iter_mut()
        .filter(|connection| connection.due.is_some());
    let readable = busy.zip(readable).filter(|(_, readable)| *readable);
    Ok(readable.map(|(connection, _)| connection).collect())
}

impl Connection {
    fn to(port: u16) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            due: None,
            received: Vec::new(),
        })
    }

    /// A request is far smaller than a socket's buffer, so this does not block.
    fn send(&mut self, request: &str, due: Instant) -> Result<(), Box<dyn Error>> {
        self.stream.write_all(request.as_bytes())?;
        self.due = Some(due);
        Ok(())
    }

    /// Reads the available data. Returns the latency if the response is complete.
    fn receive(&mut self) -> Result<Option<Duration>, Box<dyn Error>> {
        let Some(due) = self.due else { return Ok(None) };
        let mut part = [0; 4096];
        match self.stream.read(&mut part) {
            Ok(0) => return Err("the server closed the connection".into()),
            Ok(length) => self.received.extend(&part[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if !is_complete(&self.received)? {
            return Ok(None);
        }
        self.received.clear();
        self.due = None;
        Ok(Some(due.elapsed()))
    }
}

/// Returns `true` if the response is complete. Any status but 200 is an error.
fn is_complete(received: &[u8]) -> Result<bool, Box<dyn Error>> {
    let text = std::str::from_utf8(received)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(false);
    };
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(format!("unexpected response: {text}").into());
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.ok_or("a response has no content-length")?;
    Ok(body.len() >= length.parse::<usize>()?)
}
