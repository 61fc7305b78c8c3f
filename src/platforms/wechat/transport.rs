//! One bounded HTTP exchange.
//!
//! Knows reqwest and how it is set up, how much of a reply is read, and how a failure of the network looks.
//! Never knows what is asked, what the reply means, or whether it is worth another try.

use std::error::Error as Cause;
use std::io;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::platforms::wechat::error::{Error, Obstacle};

/// The longest reply that is read, in bytes. Our choice: WeChat's have some hundred.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;

/// How long an idle connection is kept, in seconds. Our choice: long enough to spare most logins a TLS handshake, short
/// enough that no firewall has forgotten it, which would cost the login that finds out.
const IDLE_SECONDS: u64 = 30;

/// What came back, as it came. The body may hold a session key, so this copy of it is wiped.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// Whether the body went on after [`MAX_REPLY_BYTES`], where reading stopped and the connection was closed.
    pub(crate) is_cut: bool,
}

/// Sends the request and reads the reply. Its errors hold nothing of reqwest's, whose texts quote URLs.
pub(crate) async fn exchange(request: reqwest::RequestBuilder) -> Result<Reply, Error> {
    let mut response = request.send().await.map_err(|error| judge(&error))?;
    let status = response.status().as_u16();
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|error| judge(&error))? {
        if body.len() + chunk.len() > MAX_REPLY_BYTES {
            return Ok(Reply {
                status,
                body,
                is_cut: true,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply {
        status,
        body,
        is_cut: false,
    })
}

/// Tells a connection that never came about from one that broke: after the latter the request may have been heard.
fn judge(error: &reqwest::Error) -> Error {
    if !error.is_connect() {
        return Error::ConnectionLost;
    }
    Error::Unreachable(if error.is_dns() {
        Obstacle::NameUnknown
    } else if error.is_timeout() {
        Obstacle::Silent
    } else if let Some(failure) = find::<rustls::Error>(error) {
        if matches!(failure, rustls::Error::InvalidCertificate(_)) {
            Obstacle::Certificate
        } else {
            Obstacle::Tls
        }
    } else if is_refused(error) {
        Obstacle::Refused
    } else {
        Obstacle::Other
    })
}

fn is_refused(error: &reqwest::Error) -> bool {
    find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// The first cause of a type. An `io::Error` hides the error that it wraps from `source`, and TLS failures come in two.
fn find<E: Cause + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        let found = error.downcast_ref::<E>();
        if found.is_some() {
            return found;
        }
        cause = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// No redirects, because the secret would go along. No proxy from the environment, because the secret stands in the URL
/// and WeChat's whitelist is about the server's own address: what is asked is what the settings say.
pub(crate) fn http_client(
    tls: rustls::ClientConfig,
    connect: Duration,
) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(connect)
        .pool_idle_timeout(Duration::from_secs(IDLE_SECONDS))
        .user_agent(concat!("weapp-login/", env!("CARGO_PKG_VERSION")))
        .build()
}
