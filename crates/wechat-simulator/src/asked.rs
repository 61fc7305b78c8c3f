//! What was asked of the simulator, and a record of the requests.
//!
//! Knows paths, methods, query parameters and bodies; keeps the last requests in memory, secrets included, because a
//! test wants to see them, and shows no value in its debug output.
//! Never knows what was answered.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;

use super::endpoint::Endpoint;

/// How many requests are remembered. Our choice: more than a test reads, less than a long-lived server feels.
const MOST_REQUESTS: usize = 1_000;

/// One request, as it arrived.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The endpoint; absent if there is none at the path.
    pub endpoint: Option<Endpoint>,
    /// The method, as `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// Names and values of the query, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// From where it came.
    pub caller: Option<IpAddr>,
}

impl RecordedRequest {
    /// The value of the first query parameter of that name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        query
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The same, if it is not empty: WeChat takes an empty parameter for a missing one.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.parameter(name).filter(|value| !value.is_empty())
    }
}

/// Shows no value: a query bears the AppSecret and the login code.
impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("RecordedRequest")
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .field("parameters", &names)
            .finish_non_exhaustive()
    }
}

/// The last requests, oldest first.
#[derive(Default)]
pub(super) struct Record(VecDeque<RecordedRequest>);

impl Record {
    pub(super) fn push(&mut self, asked: RecordedRequest) {
        if self.0.len() >= MOST_REQUESTS {
            self.0.pop_front();
        }
        self.0.push_back(asked);
    }

    pub(super) fn to_vec(&self) -> Vec<RecordedRequest> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
