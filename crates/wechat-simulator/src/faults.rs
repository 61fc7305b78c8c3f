//! Faults to inject: the failures that a test can request, and the queue in which they wait for their endpoint.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Maximum number of queued faults per path, and of paths with faults. Our choice.
pub(crate) const MAX_QUEUED: usize = 1_000;

/// A failure of one reply. Unless a variant says otherwise, the request is not processed, so a login code in it stays
/// valid.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Sends exactly this reply.
    Raw {
        /// The HTTP status, from 200 to 599.
        #[serde(default = "ok")]
        status: u16,
        /// The `Content-Type` header; by default that of the path.
        content_type: Option<String>,
        /// The whole body.
        #[serde(deserialize_with = "bytes")]
        body: Vec<u8>,
    },
    /// Sends an error reply.
    Errcode {
        /// WeChat's error number.
        errcode: i64,
        /// The message, without the rid that is appended to it; by default the documented one.
        errmsg: Option<String>,
    },
    /// Sends error 40164, as for an app whose IP allow list lacks the client's address. The message contains the address.
    IpNotAllowed,
    /// Invalidates the app's access tokens, as a forced refresh by another server does, and then processes the request:
    /// older tokens get error 40001.
    InvalidateAccessTokens,
    /// Processes the request and sends only the first half of the reply.
    Truncate,
    /// Processes the request and sends the reply with this `Content-Type`.
    ContentType {
        /// The `Content-Type` header.
        content_type: String,
    },
    /// Processes the request at once and sends the reply after a delay.
    Delay {
        /// The delay, in real time.
        #[serde(rename = "milliseconds", deserialize_with = "milliseconds")]
        by: Duration,
    },
    /// Keeps the connection open and never replies.
    Silence,
    /// Resets the connection (TCP RST).
    ResetBefore,
    /// Processes the request and resets the connection (TCP RST) instead of replying.
    ResetAfter,
    /// Sends a 302 redirect.
    Redirect {
        /// The `Location` header.
        location: String,
    },
    /// Sends the HTML page of a gateway whose backend is down, with status 502.
    BadGateway,
}

impl Fault {
    /// An error reply with the documented message.
    pub fn errcode(errcode: i64) -> Self {
        let errmsg = None;
        Self::Errcode { errcode, errmsg }
    }

    /// A reply with this body, status 200 and the content type of WeChat's own replies.
    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self::Raw {
            status: ok(),
            content_type: None,
            body: body.into(),
        }
    }
}

/// Omits all texts: they may contain a key.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw { status, body, .. } => write!(f, "Raw({status}, {} bytes)", body.len()),
            Self::Errcode { errcode, .. } => write!(f, "Errcode({errcode})"),
            Self::IpNotAllowed => f.write_str("IpNotAllowed"),
            Self::InvalidateAccessTokens => f.write_str("InvalidateAccessTokens"),
            Self::Truncate => f.write_str("Truncate"),
            Self::ContentType { .. } => f.write_str("ContentType"),
            Self::Delay { by } => write!(f, "Delay({by:?})"),
            Self::Silence => f.write_str("Silence"),
            Self::ResetBefore => f.write_str("ResetBefore"),
            Self::ResetAfter => f.write_str("ResetAfter"),
            Self::Redirect { .. } => f.write_str("Redirect"),
            Self::BadGateway => f.write_str("BadGateway"),
        }
    }
}

fn ok() -> u16 {
    200
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(deserializer).map(String::into_bytes)
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

/// The faults that are still to be injected.
#[derive(Default)]
pub(crate) struct Faults {
    /// By path.
    queued: HashMap<String, VecDeque<Fault>>,
    permanent: HashMap<String, Fault>,
}

impl Faults {
    /// Adds `count` times the fault to the path's queue, up to [`MAX_QUEUED`] in all. Returns `false` if too many paths have
    /// faults.
    pub(crate) fn queue(&mut self, path: &str, count: usize, fault: &Fault) -> bool {
        if !self.queued.contains_key(path) && self.queued.len() >= MAX_QUEUED {
            return false;
        }
        let queue = self.queued.entry(path.to_owned()).or_default();
        let count = count.min(MAX_QUEUED.saturating_sub(queue.len()));
        queue.extend(std::iter::repeat_n(fault, count).cloned());
        true
    }

    /// Sets the fault of all replies of the path that have no queued fault. Returns `false` if too many paths have faults.
    pub(crate) fn set_permanent(&mut self, path: &str, fault: Fault) -> bool {
        let has_room = self.permanent.len() < MAX_QUEUED || self.permanent.contains_key(path);
        if has_room {
            self.permanent.insert(path.to_owned(), fault);
        }
        has_room
    }

    /// Lists the paths that have faults, sorted: the next fault, the number of queued ones, and the one of all other replies.
    /// A fault is described without its texts.
    pub(crate) fn list(&self) -> Vec<Value> {
        let paths = self.queued.keys().chain(self.permanent.keys());
        let paths: BTreeSet<_> = paths.collect();
        let describe = |fault: &Fault| format!("{fault:?}");
        let row = |path: &String| {
            let queue = self.queued.get(path);
            json!({
                "endpoint": path,
                "next": queue.and_then(VecDeque::front).map(describe),
                "queued": queue.map_or(0, VecDeque::len),
                "always": self.permanent.get(path).map(describe),
            })
        };
        paths.into_iter().map(row).collect()
    }

    /// Removes all faults of the path.
    pub(crate) fn clear(&mut self, path: &str) {
        self.queued.remove(path);
        self.permanent.remove(path);
    }

    /// Removes and returns the fault of the path's next reply.
    pub(crate) fn take(&mut self, path: &str) -> Option<Fault> {
        let queue = self.queued.get_mut(path);
        let queued = queue.and_then(VecDeque::pop_front);
        if self.queued.get(path).is_some_and(VecDeque::is_empty) {
            self.queued.remove(path);
        }
        queued.or_else(|| self.permanent.get(path).cloned())
    }
}
