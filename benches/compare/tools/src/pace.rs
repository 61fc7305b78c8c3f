//! `tools pace PORT TOKENS PER_SECOND SECONDS`: session checks at a steady pace, and how long each took from the moment when it
//! was to be sent: one that had to wait for a free connection has waited, too.
//!
//! Knows just enough HTTP for replies with a `content-length`. Never knows how fast the server is.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZero;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Anything;

const CONNECTIONS: usize = 32;

/// How long the last replies may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection, and when the request that is under way on it was to be sent.
struct Lane {
    stream: TcpStream,
    due: Option<Instant>,
    /// What has come of its reply so far.
    received: Vec<u8>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Anything> {
    let [port, tokens, per_second, seconds] = arguments else {
        return Err("tools pace PORT TOKENS PER_SECOND SECONDS".into());
    };
    let (port, per_second, seconds): (u16, f64, f64) =
        (port.parse()?, per_second.parse()?, seconds.parse()?);
    let tokens = fs::read_to_string(tokens)?;
    let requests: Vec<String> = tokens.lines().map(request).collect();
    let lanes = (0..CONNECTIONS).map(|_| Lane::to(port));
    let mut lanes: Vec<Lane> = lanes.collect::<Result<_, _>>()?;
    // Else the kernel lets a thread sleep 50 µs longer than it asked for.
    rustix::thread::set_current_timer_slack(NonZero::new(1))?;
    let mut took = send_all(&mut lanes, &requests, per_second, seconds)?;
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_micros();
    let (count, median, p99) = (took.len(), at(50), at(99));
    println!("{{\"requests\":{count},\"p50\":{median},\"p99\":{p99}}}");
    Ok(())
}

/// The tokens lie in the file in no order, so taking one after the other is as good as drawing them.
fn request(token: &str) -> String {
    format!("GET /session HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Sends what is due on whichever connection is free, until all was sent and answered.
fn send_all(
    lanes: &mut [Lane],
    requests: &[String],
    per_second: f64,
    seconds: f64,
) -> Result<Vec<Duration>, Anything> {
    let start = Instant::now();
    let mut took = Vec::new();
    let mut requests = requests.iter().cycle();
    let mut due = start;
    let pause = Duration::from_secs_f64(1.0 / per_second);
    let end = start + Duration::from_secs_f64(seconds);
    loop {
        let now = Instant::now();
        for lane in lanes.iter_mut().filter(|lane| lane.due.is_none()) {
            if due > now || due >= end {
                break;
            }
            lane.send(requests.next().ok_or("no tokens")?, due)?;
            due += pause;
        }
        let all_sent = due >= end;
        if all_sent && lanes.iter().all(|lane| lane.due.is_none()) {
            return Ok(took);
        }
        let idle = lanes.iter().any(|lane| lane.due.is_none());
        let patience = if idle && !all_sent {
            due.saturating_duration_since(now)
        } else {
            PATIENCE
        };
        for lane in wait(lanes, patience)? {
            took.extend(lane.receive()?);
        }
    }
}

/// Waits until something was answered, or it is time to send; the connections on which something came.
fn wait(lanes: &mut [Lane], at_most: Duration) -> Result<Vec<&mut Lane>, Anything> {
    let polled = lanes.iter().filter(|lane| lane.due.is_some());
    let mut polled: Vec<_> = polled
        .map(|lane| PollFd::new(&lane.stream, PollFlags::IN))
        .collect();
    if poll(&mut polled, Some(&Timespec::try_from(at_most)?))? == 0 && at_most >= PATIENCE {
        return Err("a reply did not come".into());
    }
    let answered: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
    let busy = lanes.iter_mut().filter(|lane| lane.due.is_some());
    let answered = busy.zip(answered).filter(|(_, answered)| *answered);
    Ok(answered.map(|(lane, _)| lane).collect())
}

impl Lane {
    fn to(port: u16) -> Result<Self, Anything> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            due: None,
            received: Vec::new(),
        })
    }

    /// A request is far smaller than a socket's buffer, so it goes out at once.
    fn send(&mut self, request: &str, due: Instant) -> Result<(), Anything> {
        self.stream.write_all(request.as_bytes())?;
        self.due = Some(due);
        Ok(())
    }

    /// Reads what there is; how long the request took, if the reply is whole.
    fn receive(&mut self) -> Result<Option<Duration>, Anything> {
        let Some(due) = self.due else { return Ok(None) };
        let mut part = [0; 4096];
        match self.stream.read(&mut part) {
            Ok(0) => return Err("the server hung up".into()),
            Ok(length) => self.received.extend(&part[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if !is_whole(&self.received)? {
            return Ok(None);
        }
        self.received.clear();
        self.due = None;
        Ok(Some(due.elapsed()))
    }
}

/// Whether a reply has come to its end. One that is not 200 ends all.
fn is_whole(received: &[u8]) -> Result<bool, Anything> {
    let text = std::str::from_utf8(received)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(false);
    };
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(format!("a reply was: {text}").into());
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.ok_or("a reply has no content-length")?;
    Ok(body.len() >= length.parse::<usize>()?)
}
