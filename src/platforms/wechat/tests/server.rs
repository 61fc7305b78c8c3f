//! A scripted server on a loopback socket.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The reaction of the server to one request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes the bytes and closes.
    Reply(Vec<u8>),
    /// Writes the bytes and waits for another request on the same connection.
    ReplyAndStay(Vec<u8>),
    /// Writes the bytes, then endless spaces, slowly.
    ReplyAndTrickle(Vec<u8>),
    /// Writes the head, then zeros, until 10 MB are out or the client is gone.
    Flood(Vec<u8>),
    /// Says nothing until the client is gone.
    Silence,
    /// Resets the connection without reading.
    ResetUnheard,
    /// Reads the request, then resets the connection.
    ResetHeard,
}

impl Act {
    /// A reply as WeChat frames it: 200 and `text/plain` around JSON.
    pub(crate) fn json(body: &str) -> Self {
        Self::status("200 OK", body)
    }

    pub(crate) fn status(status: &str, body: &str) -> Self {
        Self::Reply(http(
            &format!("{status}\r\nContent-Type: text/plain"),
            body.as_bytes(),
        ))
    }
}

/// A whole reply: status line without its version, further headers, and a body with its length.
pub(crate) fn http(status_and_headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status_and_headers}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The connections and requests that the server has received.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// The heads of the requests.
    pub(crate) requests: Vec<String>,
    /// Their bodies.
    pub(crate) bodies: Vec<String>,
    /// Number of bytes of a flood that the client accepted.
    pub(crate) flooded: usize,
    /// Number of connections that the client closed first.
    pub(crate) left: usize,
}

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) seen: Rc<RefCell<Seen>>,
}

impl Server {
    /// Listens on a free port and performs the acts in turn, repeating the last one.
    pub(crate) fn start(acts: Vec<Act>) -> Self {
        Self::open(closed_port(), acts)
    }

    /// Replies with these bodies in turn, as WeChat frames them, repeating the last one.
    pub(crate) fn replying(bodies: &[&str]) -> Self {
        Self::start(bodies.iter().map(|body| Act::json(body)).collect())
    }

    /// Opens a port that was closed.
    pub(crate) fn open((socket, url): (TcpSocket, String), acts: Vec<Act>) -> Self {
        let listener = socket.listen(64).unwrap();
        let seen = Rc::new(RefCell::new(Seen::default()));
        let stage = Stage {
            acts: Rc::new(RefCell::new(acts.into())),
            seen: Rc::clone(&seen),
        };
        actix_rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stage.seen.borrow_mut().connections += 1;
                actix_rt::spawn(stage.clone().play(stream));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.borrow().requests.len()
    }

    /// The first request's head.
    pub(crate) fn first_request(&self) -> String {
        self.seen.borrow().requests[0].clone()
    }
}

/// Takes a port of its own, which refuses connections until it is opened or the socket is gone, and returns its URL.
pub(crate) fn closed_port() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (socket, url)
}

#[derive(Clone)]
struct Stage {
    acts: Rc<RefCell<VecDeque<Act>>>,
    seen: Rc<RefCell<Seen>>,
}

impl Stage {
    async fn play(self, mut stream: TcpStream) {
        loop {
            if matches!(self.acts.borrow().front(), Some(Act::ResetUnheard)) {
                return stream.set_zero_linger().unwrap();
            }
            let Some(head) = read_head(&mut stream).await else {
                return;
            };
            let Some(body) = read_body(&mut stream, &head).await else {
                return;
            };
            self.seen.borrow_mut().requests.push(head);
            self.seen.borrow_mut().bodies.push(body);
            match self.next_act() {
                Act::ReplyAndStay(bytes) => stream.write_all(&bytes).await.unwrap(),
                Act::Reply(bytes) => return drop(stream.write_all(&bytes).await),
                Act::ReplyAndTrickle(bytes) => return trickle(&mut stream, &bytes).await,
                Act::Flood(head) => return self.flood(&mut stream, &head).await,
                Act::ResetUnheard | Act::ResetHeard => return stream.set_zero_linger().unwrap(),
                Act::Silence => {
                    let gone = stream.read(&mut [0]).await;
                    self.seen.borrow_mut().left += usize::from(matches!(gone, Ok(0) | Err(_)));
                    return;
                }
            }
        }
    }

    fn next_act(&self) -> Act {
        let mut acts = self.acts.borrow_mut();
        if acts.len() > 1 {
            acts.pop_front().unwrap()
        } else {
            acts.front().unwrap().clone()
        }
    }

    async fn flood(&self, stream: &mut TcpStream, head: &[u8]) {
        stream.write_all(head).await.unwrap();
        let zeros = vec![b'0'; 65536];
        for _ in 0..160 {
            if stream.write_all(&zeros).await.is_err() {
                return;
            }
            self.seen.borrow_mut().flooded += zeros.len();
        }
    }
}

async fn trickle(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    while stream.write_all(b" ").await.is_ok() {
        actix_rt::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Reads up to the empty line; `None` if the client leaves before.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

/// Reads as much as the head announces; `None` if the client leaves before.
async fn read_body(stream: &mut TcpStream, head: &str) -> Option<String> {
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(String::from_utf8(body).unwrap())
}
