//! The HTTP client for a service that is no platform: the same TLS, without redirects, retries and proxies.

use std::time::Duration;

use reqwest::{Client, Url};

use crate::platforms::{tls, transport};

/// Builds the client. Reads the root certificates if the URL is `https`.
///
/// # Errors
/// If there are no root certificates, or the client cannot be built.
pub(crate) fn client(
    url: &Url,
    connect: Duration,
) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let tls = match url.scheme() {
        "https" => tls::system_roots()?,
        _ => tls::no_roots()?,
    };
    Ok(transport::http_client(tls, connect, None)?)
}
