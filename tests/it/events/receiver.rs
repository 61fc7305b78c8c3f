//! A service that receives events, on a local port.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// The secret of the tests: 32 bytes of zeros.
const SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A received event.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) body: Value,
}

impl Received {
    /// Returns the kind, and the reason if there is one.
    pub(crate) fn kind(&self) -> String {
        let kind = self.body["type"].as_str().unwrap();
        match self.body["data"]["reason"].as_str() {
            Some(reason) => format!("{kind} {reason}"),
            None => kind.to_owned(),
        }
    }

    pub(crate) fn user(&self) -> String {
        self.body["data"]["user_id"].as_str().unwrap().to_owned()
    }
}

/// The status of the response. 0 closes the connection without a response, and `None` keeps it open without one.
type Respond = dyn Fn(&Received) -> Option<u16> + Send + Sync;

/// A running receiver. Stopped on drop.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    url: String,
    events: Arc<Mutex<Vec<Received>>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Accepts every event.
    pub(crate) fn start() -> Self {
        Self::responding("127.0.0.1:0", |_event| Some(204))
    }

    /// Listens on an address, and responds with these statuses. Checks each signature.
    pub(crate) fn responding(
        address: &str,
        respond: impl Fn(&Received) -> Option<u16> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (events, stopped) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let respond: Arc<Respond> = Arc::new(respond);
        let (shared, stop) = (Arc::clone(&events), Arc::clone(&stopped));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (events, respond) = (Arc::clone(&shared), Arc::clone(&respond));
                drop(thread::spawn(move || {
                    handle(stream.unwrap(), &events, &*respond);
                }));
            }
        });
        Self {
            address,
            url: format!("http://{address}/events"),
            events,
            stopped,
            thread: Some(thread),
        }
    }

    /// The settings of a server that delivers to this receiver.
    pub(crate) fn settings(&self) -> [(&str, &str); 2] {
        [
            ("WEAPP_EVENTS__URL", &self.url),
            ("WEAPP_EVENTS__SECRET", SECRET),
        ]
    }

    /// Returns the events so far, including those that were rejected.
    pub(crate) fn events(&self) -> Vec<Received> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.events().iter().map(Received::kind).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Reads one request, and closes the connection after the response.
fn handle(stream: TcpStream, events: &Mutex<Vec<Received>>, respond: &Respond) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let header = |wanted: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.next().map_or("", |(_, value)| value)
    };
    assert!(head.starts_with("POST /events HTTP/1.1\r\n"), "{head}");
    assert_eq!(header("content-type"), "application/json");
    let mut body = vec![0; header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert_eq!(header("webhook-signature"), signature(id, timestamp, &body));
    let event = Received {
        id: id.to_owned(),
        timestamp: timestamp.parse().unwrap(),
        body: serde_json::from_str(&body).unwrap(),
    };
    events.lock().unwrap().push(event.clone());
    match respond(&event) {
        Some(0) => {}
        Some(status) => {
            let response =
                format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            reader
                .get_mut()
                .write_all(response.as_bytes())
                .unwrap_or_default();
        }
        // Until the client closes the connection.
        None => drop(reader.read_to_end(&mut Vec::new())),
    }
}

fn signature(id: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&[0; 32]).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
