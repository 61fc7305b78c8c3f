//! What goes wrong on purpose: the faults that a test orders, and the queue they wait in.
//!
//! Knows which fault is next for an endpoint.
//! Never knows how a fault is carried out, or what was asked.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;

use super::endpoint::Endpoint;
use super::refusal;

/// How many faults may be queued for an endpoint. Our choice.
pub(super) const MOST_QUEUED: usize = 1_000;

/// What gateways say.
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// One thing that goes wrong with one answer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Answers with these bytes, whatever was asked. The code is not spent.
    Raw {
        /// The HTTP status.
        status: StatusCode,
        /// The `Content-Type`.
        content_type: String,
        /// The whole body.
        body: Vec<u8>,
    },
    /// Refuses with this errcode; a rid is added to the message. The code is not spent.
    Refuse {
        /// WeChat's number.
        errcode: i64,
        /// WeChat's words, without the rid.
        errmsg: String,
    },
    /// Refuses with 40164, as an app does whose list of allowed addresses lacks the caller's; the words name it.
    AddressRefused,
    /// Lets a rival server renew the app's access tokens by force, and then answers: 40001 to the tokens of before.
    Clobber,
    /// Does what was asked, which spends the code, and sends the first half of the answer as if it were all.
    Truncate,
    /// Does what was asked, which spends the code, and calls the answer this instead of `text/plain`.
    ContentType(String),
    /// Does at once what was asked, which spends the code, and answers after this much real time.
    Delay(Duration),
    /// Keeps the connection open and never answers. The code is not spent.
    Silence,
    /// Resets the connection (TCP RST) without doing what was asked. The code is not spent.
    ResetBefore,
    /// Does what was asked, which spends the code, and resets the connection (TCP RST) instead of answering.
    ResetAfter,
    /// Sends the caller elsewhere: 302 with this `Location`. The code is not spent.
    Redirect(String),
}

impl Fault {
    /// Refuses with this errcode and the words that WeChat documents for it.
    pub fn errcode(errcode: i64) -> Self {
        Self::Refuse {
            errcode,
            errmsg: refusal::errmsg_of(errcode).to_owned(),
        }
    }

    /// Answers 200 and `text/plain`, as WeChat does, but with this body.
    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self::Raw {
            status: StatusCode::OK,
            content_type: "text/plain".to_owned(),
            body: body.into(),
        }
    }

    /// Answers 502 with a gateway's page, as WeChat does when its servers are away.
    pub fn bad_gateway() -> Self {
        Self::Raw {
            status: StatusCode::BAD_GATEWAY,
            content_type: "text/html".to_owned(),
            body: BAD_GATEWAY.into(),
        }
    }
}

/// Shows no text that a test put in: it may hold a key.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw { status, body, .. } => {
                write!(f, "Raw({status}, {} bytes)", body.len())
            }
            Self::Refuse { errcode, .. } => write!(f, "Refuse({errcode})"),
            Self::AddressRefused => f.write_str("AddressRefused"),
            Self::Clobber => f.write_str("Clobber"),
            Self::Truncate => f.write_str("Truncate"),
            Self::ContentType(_) => f.write_str("ContentType(***)"),
            Self::Delay(by) => write!(f, "Delay({by:?})"),
            Self::Silence => f.write_str("Silence"),
            Self::ResetBefore => f.write_str("ResetBefore"),
            Self::ResetAfter => f.write_str("ResetAfter"),
            Self::Redirect(_) => f.write_str("Redirect(***)"),
        }
    }
}

/// The faults that are still to come.
#[derive(Default)]
pub(super) struct Faults {
    queued: HashMap<Endpoint, VecDeque<Fault>>,
    standing: HashMap<Endpoint, Fault>,
}

impl Faults {
    /// Lets the fault befall `count` answers, after those that are queued already.
    pub(super) fn queue(&mut self, endpoint: Endpoint, count: usize, fault: &Fault) {
        let queue = self.queued.entry(endpoint).or_default();
        let count = count.min(MOST_QUEUED.saturating_sub(queue.len()));
        queue.extend(std::iter::repeat_n(fault, count).cloned());
    }

    /// Lets the fault befall every answer that no queued one befalls.
    pub(super) fn stand(&mut self, endpoint: Endpoint, fault: Fault) {
        self.standing.insert(endpoint, fault);
    }

    /// Takes back all orders about the endpoint.
    pub(super) fn clear(&mut self, endpoint: Endpoint) {
        self.queued.remove(&endpoint);
        self.standing.remove(&endpoint);
    }

    /// The fault of the endpoint's next answer.
    pub(super) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let queued = self.queued.get_mut(&endpoint).and_then(VecDeque::pop_front);
        queued.or_else(|| self.standing.get(&endpoint).cloned())
    }
}
