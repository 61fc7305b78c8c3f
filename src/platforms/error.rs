//! Errors of a call to a platform.
//!
//! Nothing that came over the wire is kept except error numbers, call ids and IP addresses: no URL, code, secret or free
//! text. No error has a `source`, so none leaks through one.

use std::time::Duration;

use crate::platforms::rejection::{Reason, Rejection};
use crate::session::CryptoError;
use crate::store;
use crate::store::once;

/// Maximum length of a reply, in bytes. Our choice: real ones have a few hundred.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;

/// A failed call. Its `Display` is the sentence for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The platform understood the call and rejected it.
    #[error("{0}")]
    Rejected(Rejection),
    /// The reply does not match the platform's documentation. The code may be spent.
    #[error("the reply of the platform is invalid (HTTP status {status}): {flaw}")]
    InvalidReply {
        /// HTTP status of the reply.
        status: u16,
        /// The problem with it.
        flaw: InvalidReply,
    },
    /// The platform did not reply within the time limit of the whole call. The code may be spent.
    #[error(
        "the platform did not reply in time; the code may be spent, so the client needs a new one"
    )]
    TimedOut,
    /// No connection was established, so nothing was sent. The code is still valid.
    #[error("cannot connect to the platform: {0}")]
    Unreachable(ConnectError),
    /// The connection broke before the reply was complete. The code may be spent.
    #[error(
        "the connection broke before the reply was complete; the code may be spent, so the client needs a new one"
    )]
    ConnectionLost,
    /// The circuit breaker is open after earlier failures, so nothing was sent. The code is still valid.
    #[error("the circuit breaker is open for another {} s: {last}", .retry_after.as_secs())]
    CircuitOpen {
        /// Time until the next attempt is allowed.
        retry_after: Duration,
        /// The failure that opened the circuit.
        last: Box<Error>,
    },
    /// Too many calls of this kind are in flight, so nothing was sent. The code is still valid.
    #[error("too many calls of this kind are in flight")]
    Overloaded,
}

/// The problem with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReply {
    /// A redirect.
    #[error("it is a redirect, which is not followed because the secret would be sent along")]
    Redirect,
    /// More than [`MAX_REPLY_BYTES`].
    #[error("it is longer than {} KiB", MAX_REPLY_BYTES / 1024)]
    TooLong,
    /// An empty body.
    #[error("it is empty")]
    Empty,
    /// No JSON object: perhaps truncated, or the page of a proxy.
    #[error("it is not a JSON object; is there a proxy or a captive portal in between?")]
    NotJson,
    /// An `errcode` that is not a number.
    #[error("its `errcode` is not a number")]
    BadErrcode,
    /// An error status without an `errcode`.
    #[error("it has an error status but no `errcode`")]
    NoErrcode,
    /// A required field is missing, empty, or not plain text.
    #[error("it is a success without a usable `{0}`")]
    Missing(&'static str),
    /// A field names an app or a user other than the requested one.
    #[error("its `{0}` belongs to another app or user than requested")]
    Foreign(&'static str),
}

/// The reason why no connection was established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The host name was not resolved.
    #[error("the host name of `base_url` cannot be resolved; check it and this machine's DNS")]
    UnknownHost,
    /// The port is closed.
    #[error("the connection was refused; check `base_url`")]
    Refused,
    /// The host did not respond within the connect timeout.
    #[error(
        "the host did not respond within the connect timeout; check this machine's outgoing connections, and `proxy`"
    )]
    TimedOut,
    /// The certificate is not trusted.
    #[error(
        "the certificate of `base_url` is not trusted; check this machine's root certificates, its clock, and whether a proxy intercepts TLS"
    )]
    Certificate,
    /// TLS failed for another reason.
    #[error("the TLS handshake failed; check that `base_url` is an HTTPS server")]
    Tls,
    /// The proxy did not open a connection to the host.
    #[error(
        "the proxy of `proxy` did not open a connection; check its address, and that it allows the host and port of `base_url`"
    )]
    Proxy,
    /// The proxy replied 407.
    #[error("the proxy rejected the user and password in `proxy`, or there are none")]
    ProxyCredentials,
    /// Any other cause, such as a missing route.
    #[error("the network is unreachable; check this machine's route and firewall")]
    Other,
}

/// A failed call that needs an access token: either the token or the call itself failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No access token could be fetched. The call was not made.
    #[error("could not fetch an access token")]
    Token(#[source] Error),
    /// The call failed.
    #[error("the platform call failed")]
    Call(#[source] Error),
    /// The store failed.
    #[error("could not read the stored access token")]
    Store(#[from] store::Error),
    /// The operating system returned no random bytes.
    #[error("could not claim the access token")]
    Crypto(#[from] CryptoError),
    /// Another process has been fetching the token for longer than its lease, or the fetch in this process was aborted.
    #[error("the access token was not fetched in time")]
    Overdue,
}

impl From<once::Error> for CallError {
    fn from(error: once::Error) -> Self {
        match error {
            once::Error::Store(error) => Self::Store(error),
            once::Error::Crypto(error) => Self::Crypto(error),
            once::Error::TimedOut => Self::Overdue,
        }
    }
}

impl Error {
    /// Returns the platform's rejection, if this call was rejected.
    pub fn rejection(&self) -> Option<&Rejection> {
        let Self::Rejected(rejection) = self else {
            return None;
        };
        Some(rejection)
    }

    /// Returns the reason of the rejection, if this call was rejected.
    pub fn reason(&self) -> Option<Reason> {
        self.rejection().map(|rejection| rejection.reason)
    }

    /// Returns `true` if the platform may have processed the call. If not, the code is still valid.
    pub fn may_have_been_processed(&self) -> bool {
        match self {
            Self::Rejected(_)
            | Self::InvalidReply { .. }
            | Self::TimedOut
            | Self::ConnectionLost => true,
            Self::Unreachable(_) | Self::CircuitOpen { .. } | Self::Overloaded => false,
        }
    }

    /// Returns the time after which a retry can succeed; `None` if a retry cannot, or needs a new code.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejection) => rejection.reason.retry_after(),
            Self::Unreachable(cause) => cause.is_transient().then_some(Duration::from_secs(1)),
            Self::CircuitOpen { retry_after, .. } => Some(*retry_after),
            Self::Overloaded => Some(Duration::from_secs(1)),
            Self::InvalidReply { .. } | Self::TimedOut | Self::ConnectionLost => None,
        }
    }

    /// Adds a sentence to the rejection, if it has this reason.
    pub(crate) fn explained(mut self, reason: Reason, more: &str) -> Self {
        if let Self::Rejected(rejection) = &mut self
            && rejection.reason == reason
        {
            rejection.explain(more);
        }
        self
    }
}

impl ConnectError {
    /// Returns `true` if the cause may disappear without intervention.
    pub(crate) fn is_transient(self) -> bool {
        !matches!(self, Self::Certificate | Self::Tls | Self::ProxyCredentials)
    }
}
