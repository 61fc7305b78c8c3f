//! Why WeChat did not give what was asked for.
//!
//! Knows whose fault it is, whether asking again can help, and the sentence that tells a developer what to fix.
//! Never holds a URL, a code, a secret or WeChat's own text: nothing that came over the wire but numbers, a rid and an IP.

use std::time::Duration;

use crate::platforms::wechat::errcode::Class;
use crate::platforms::wechat::refusal::{Clue, Refusal};

/// Why a call gave nothing. Its `Display` is the sentence for the log; it has no `source`, so nothing leaks through one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// WeChat understood, and said no.
    #[error("{0}")]
    Refused(Refusal),
    /// WeChat answered, but not what its documentation says. The code may be spent.
    #[error("WeChat's answer makes no sense (HTTP status {status}): {flaw}")]
    Unintelligible {
        /// The HTTP status of the answer.
        status: u16,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// WeChat did not answer within the limit for the whole call. The code may be spent.
    #[error("WeChat did not answer in time; a code that was sent may be spent: it takes a new one")]
    TimedOut,
    /// WeChat was not asked at all: no connection came about. The code is as good as before.
    #[error("there is no connection to WeChat: {0}")]
    Unreachable(Obstacle),
    /// The connection broke before a whole answer had come. The code may be spent.
    #[error(
        "the connection to WeChat broke before its answer came; a code that was sent may be spent: it takes a new one"
    )]
    ConnectionLost,
    /// WeChat was not asked at all: the last calls failed, so it is left alone for a while. The code is as good as before.
    #[error("WeChat is not asked for another {} s: {last}", .retry_after.as_secs())]
    CircuitOpen {
        /// How long it is left alone.
        retry_after: Duration,
        /// The failure that decided it.
        last: Box<Error>,
    },
    /// WeChat was not asked at all: too many calls of this kind wait for it already. The code is as good as before.
    #[error("WeChat is not asked: too many calls of this kind wait for its answers already")]
    Overloaded,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It sends us elsewhere.
    #[error("it is a redirect, which is not followed because the secret would go along")]
    Redirect,
    /// It is longer than [`MAX_REPLY_BYTES`](crate::platforms::wechat::MAX_REPLY_BYTES).
    #[error("it is longer than {} KiB", crate::platforms::wechat::MAX_REPLY_BYTES / 1024)]
    TooLong,
    /// It has no body.
    #[error("it is empty")]
    Empty,
    /// It is no JSON object: perhaps the page of a proxy in between, or cut.
    #[error("it is not a JSON object; is there a proxy or a portal in between?")]
    NotJson,
    /// Its `errcode` is no number.
    #[error("its `errcode` is not a number")]
    BadErrcode,
    /// It neither refuses nor has a status of success.
    #[error("its status says failure, but it bears no `errcode`")]
    NoErrcode,
    /// A member that makes a success is missing, empty, or no plain text.
    #[error("it is no refusal, but bears no usable `{0}`")]
    Missing(&'static str),
    /// A member that names an app or a user names another than was asked about.
    #[error("its `{0}` is about another app or user than was asked about")]
    Foreign(&'static str),
}

/// What is in the way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The host's name could not be looked up.
    #[error(
        "the host name of `wechat.base_url` cannot be resolved; check it and this machine's DNS"
    )]
    NameUnknown,
    /// The port is closed.
    #[error("the connection was refused; check `wechat.base_url`")]
    Refused,
    /// Nobody answered within the limit for connecting.
    #[error("nobody answered within the limit for connecting; check that this machine may go out")]
    Silent,
    /// The certificate is not trusted.
    #[error(
        "the certificate of `wechat.base_url` is not trusted; check the machine's root certificates, its clock, and whether a proxy intercepts TLS"
    )]
    Certificate,
    /// TLS failed in another way.
    #[error("the TLS handshake failed; check that `wechat.base_url` leads to an HTTPS server")]
    Tls,
    /// Anything else: no route, no network.
    #[error("the network does not lead there; check this machine's route and firewall")]
    Other,
}

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The mini program or its user: by a new code, or not at all.
    Client,
    /// Who runs this server: by its settings, its network, or WeChat's console.
    Operator,
    /// Who wrote this server.
    Ours,
    /// WeChat: it passes.
    Wechat,
}

impl Error {
    /// Who can mend it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(refusal) => refusal.class().fault(),
            Self::Unreachable(obstacle) if !obstacle.may_pass() => Fault::Operator,
            Self::CircuitOpen { last, .. } => last.fault(),
            Self::Unintelligible { .. }
            | Self::TimedOut
            | Self::Unreachable(_)
            | Self::ConnectionLost
            | Self::Overloaded => Fault::Wechat,
        }
    }

    /// What WeChat said, if it was WeChat that said no to this call.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unintelligible { .. }
            | Self::TimedOut
            | Self::Unreachable(_)
            | Self::ConnectionLost
            | Self::CircuitOpen { .. }
            | Self::Overloaded => None,
        }
    }

    /// Whether the access token is to blame (40001, 40014, 42001): worth another call with a renewed token, once.
    pub fn is_token_refused(&self) -> bool {
        self.refusal()
            .is_some_and(|refusal| refusal.class() == Class::TokenRefused)
    }

    /// Whether WeChat says that what was sent is another mini program's, or that there is no such mini program (40013).
    pub fn is_app_refused(&self) -> bool {
        self.refusal()
            .is_some_and(|refusal| refusal.errcode == 40013)
    }

    /// Whether WeChat may have heard the call. If not, whatever was to be sent is as good as before.
    pub fn may_have_been_heard(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::Unintelligible { .. }
            | Self::TimedOut
            | Self::ConnectionLost => true,
            Self::Unreachable(_) | Self::CircuitOpen { .. } | Self::Overloaded => false,
        }
    }

    /// Adds what helps to find the reason, if this is a refusal of the class.
    pub(crate) fn with_clue(mut self, class: Class, clue: Clue) -> Self {
        if let Self::Refused(refusal) = &mut self
            && refusal.class() == class
        {
            refusal.clue = Some(clue);
        }
        self
    }

    /// How long to wait before asking again can help; `None` if it cannot, or if it takes a new code.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.class().retry_after(),
            Self::Unreachable(obstacle) => obstacle.may_pass().then_some(Duration::from_secs(1)),
            Self::CircuitOpen { retry_after, .. } => Some(*retry_after),
            Self::Overloaded => Some(Duration::from_secs(1)),
            Self::Unintelligible { .. } | Self::TimedOut | Self::ConnectionLost => None,
        }
    }
}

impl Obstacle {
    /// Whether it may be gone in a moment, without anybody's doing.
    pub(crate) fn may_pass(self) -> bool {
        !matches!(self, Self::Certificate | Self::Tls)
    }
}
