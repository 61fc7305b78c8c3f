//! The reasons why a simulator does not start.

use std::io;
use std::net::SocketAddr;

use crate::saved_state::SavedStateError;
use crate::tls::TlsError;

/// The reason why a simulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Other machines can reach the address, and [`Options::allow_remote`](crate::Options::allow_remote) is `false`.
    #[error(
        "the WeChat simulator logs in everyone, so it does not listen on `{0}`, which other machines can reach\n  \
         hint: listen on 127.0.0.1, or set `Options::allow_remote`"
    )]
    Remote(SocketAddr),
    /// [`Options::apps`](crate::Options::apps) is empty.
    #[error("the WeChat simulator needs at least one app")]
    NoApp,
    /// The address is not available.
    #[error("the WeChat simulator cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// [`Options::saved`](crate::Options::saved) has the same id twice, or an empty one.
    #[error("the saved state cannot be used: {0}")]
    SavedState(#[source] SavedStateError),
    /// The certificate of the TLS port cannot be made.
    #[error("the WeChat simulator cannot use TLS: {0}")]
    Tls(#[source] TlsError),
    /// The server's thread cannot be started.
    #[error("the WeChat simulator cannot start its thread")]
    Thread(#[source] io::Error),
}
