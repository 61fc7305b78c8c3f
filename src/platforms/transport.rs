//! One bounded HTTP exchange with a platform.

use std::error::Error as Cause;
use std::io;
use std::iter::successors;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::platforms::error::{ConnectError, Error, MAX_REPLY_BYTES};

/// Time after which an idle connection is closed, in seconds. Our choice: long enough that most logins need no TLS
/// handshake, short enough that no firewall has dropped the connection silently.
const IDLE_SECONDS: u64 = 30;

/// A raw reply. The body may contain a session key, so it is zeroized on drop.
pub(crate) struct RawReply {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// Set if the body was longer than [`MAX_REPLY_BYTES`], where reading stopped and the connection was closed.
    pub(crate) is_truncated: bool,
}

/// Sends the request and reads the reply. The errors contain nothing of reqwest's, whose messages quote URLs.
pub(crate) async fn exchange(
    request: reqwest::RequestBuilder,
    uses_proxy: bool,
) -> Result<RawReply, Error> {
    let classify = |error: reqwest::Error| classify(&error, uses_proxy);
    let mut response = request.send().await.map_err(classify)?;
    let status = response.status().as_u16();
    let mut body = Zeroizing::new(Vec::new());
    let mut is_truncated = false;
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        is_truncated = body.len() + chunk.len() > MAX_REPLY_BYTES;
        if is_truncated {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(RawReply {
        status,
        body,
        is_truncated,
    })
}

/// Distinguishes a connection that was never established from one that broke, after which the request may have been processed.
fn classify(error: &reqwest::Error, uses_proxy: bool) -> Error {
    if !error.is_connect() {
        return Error::ConnectionLost;
    }
    Error::Unreachable(if error.is_timeout() {
        ConnectError::TimedOut
    } else if let Some(failure) = find::<rustls::Error>(error) {
        if matches!(failure, rustls::Error::InvalidCertificate(_)) {
            ConnectError::Certificate
        } else {
            ConnectError::Tls
        }
    } else if uses_proxy {
        if wants_credentials(error) {
            ConnectError::ProxyCredentials
        } else {
            ConnectError::Proxy
        }
    } else if error.is_dns() {
        ConnectError::UnknownHost
    } else if is_refused(error) {
        ConnectError::Refused
    } else {
        ConnectError::Other
    })
}

fn is_refused(error: &reqwest::Error) -> bool {
    find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Returns `true` if the proxy replied 407. The type of this error is private, so its text is compared.
fn wants_credentials(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string().contains("proxy authorization required"))
}

/// Finds the first cause of a type.
fn find<E: Cause + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error).find_map(<dyn Cause>::downcast_ref)
}

/// Iterates over the causes. `source` of an `io::Error` skips the error it wraps, and TLS failures are wrapped in two.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Cause + 'static)> {
    successors(error.source(), |&cause| {
        let io_error = cause.downcast_ref::<io::Error>();
        match io_error.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        }
    })
}

/// Builds the HTTP client. No redirects, because they would carry the secret elsewhere. No proxy from the environment,
/// because platforms allow-list the address that calls come from.
pub(crate) fn http_client(
    tls: rustls::ClientConfig,
    connect: Duration,
    proxy: Option<reqwest::Proxy>,
) -> reqwest::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(connect)
        .pool_idle_timeout(Duration::from_secs(IDLE_SECONDS))
        .user_agent(concat!("weapp-login/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    builder.build()
}
