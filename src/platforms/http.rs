//! The HTTP client that all platforms share: base URL, retries, limits, circuit breaker and observer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Url;

use crate::identity::{AppId, PlatformName};
use crate::platforms::circuit::Limits;
use crate::platforms::error::Error;
use crate::platforms::exchange::Exchange;
use crate::platforms::limiter::Limiter;
use crate::platforms::retry::{RetryOn, RetryPolicy};
use crate::platforms::tls;
use crate::platforms::transport::{self, RawReply};

/// Configuration of the clients of one platform. Created once; cheap to clone.
///
/// Clones share the limiter and the circuits, so that all workers of a process back off together.
#[derive(Clone)]
pub struct HttpConfig {
    platform: &'static str,
    base_url: Url,
    retry: RetryPolicy,
    limiter: Limiter,
    observers: Vec<Observer>,
    tls: rustls::ClientConfig,
    proxy: Option<reqwest::Proxy>,
    /// Built in the same way as each worker's client, to prove at the start that it can be built.
    fallback: reqwest::Client,
}

/// A completed call, for the observer.
#[derive(Debug)]
pub struct Call<'a> {
    /// Stable name of the platform, such as `wechat`.
    pub platform: &'static str,
    /// Path of the endpoint.
    pub endpoint: &'static str,
    /// The error; `None` for a success.
    pub failure: Option<&'a Error>,
    /// Duration with all attempts.
    pub took: Duration,
    /// The request and its last reply.
    pub exchange: Exchange<'a>,
}

/// A callback for each completed call. Cancelled calls are not reported.
pub type Observer = Arc<dyn Fn(&Call<'_>) + Send + Sync>;

/// The client of a platform cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The base URL is malformed, or more than a base.
    #[error(
        "it must be http:// or https:// with a host, and without user, query and fragment, such as https://api.weixin.qq.com"
    )]
    BaseUrl,
    /// The operating system has no root certificates, so no certificate can be verified.
    #[error(
        "this machine has no root certificates to verify the platform's; install the package ca-certificates, or set SSL_CERT_FILE to a file of them; an empty SSL_CERT_FILE means none, so unset it"
    )]
    NoRootCertificates(#[source] rustls::Error),
    /// The URL of the proxy is malformed.
    #[error("it must be the URL of an HTTP proxy, such as http://proxy.example.com:3128")]
    Proxy,
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    NoClient(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ConfigError {
    /// Returns the name of the value that cannot be used.
    pub fn subject(&self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::BaseUrl | Self::NoRootCertificates(_) | Self::NoClient(_) => "base_url",
        }
    }
}

impl HttpConfig {
    /// Configures the clients of a platform: its base URL (or a simulator's), the limit for one connection, and the limit
    /// for a whole call: all attempts, all pauses, and the last byte. Reads the root certificates if the URL is `https`.
    ///
    /// # Errors
    /// [`ConfigError::BaseUrl`] if the URL is malformed; [`ConfigError::NoRootCertificates`] if it is `https` and there are none.
    pub fn new(
        platform: PlatformName,
        base_url: &str,
        connect: Duration,
        whole: Duration,
    ) -> Result<Self, ConfigError> {
        let base_url = Url::parse(base_url)
            .ok()
            .filter(is_base)
            .ok_or(ConfigError::BaseUrl)?;
        let tls = tls_config(base_url.scheme() == "https")?;
        let connect = connect.min(whole);
        let fallback = transport::http_client(tls.clone(), connect, None)
            .map_err(|error| ConfigError::NoClient(error.into()))?;
        Ok(Self {
            platform: platform.as_str(),
            base_url,
            retry: RetryPolicy { connect, whole },
            limiter: Limiter::new(Limits::default(), Arc::new(system_time)),
            observers: Vec::new(),
            tls,
            proxy: None,
            fallback,
        })
    }

    /// Sets the proxy, for `https` only: it sees the host and port that it connects to, but no URL.
    ///
    /// # Errors
    /// [`ConfigError::Proxy`] if the URL is malformed.
    pub fn with_proxy(mut self, url: &str) -> Result<Self, ConfigError> {
        // The error may quote the URL, which may contain a password.
        let proxy = reqwest::Proxy::https(url).map_err(|_error| ConfigError::Proxy)?;
        self.proxy = (self.base_url.scheme() == "https").then_some(proxy);
        self.fallback = self
            .http_client()
            .map_err(|error| ConfigError::NoClient(error.into()))?;
        Ok(self)
    }

    fn http_client(&self) -> reqwest::Result<reqwest::Client> {
        transport::http_client(self.tls.clone(), self.retry.connect, self.proxy.clone())
    }

    /// Adds an observer.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// Sets the limits, and resets the state of the limiter.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limiter = Limiter::new(limits, self.limiter.clock);
        self
    }

    /// Sets the clock of the circuit breakers, and resets the state of the limiter.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.limiter = Limiter::new(self.limiter.limits, Arc::new(clock));
        self
    }
}

/// Builds a client for calls to a service that is no platform, with the same TLS, and without redirects and retries.
pub(crate) fn plain_client(
    is_https: bool,
    connect: Duration,
) -> Result<reqwest::Client, ConfigError> {
    let client = transport::http_client(tls_config(is_https)?, connect, None);
    client.map_err(|error| ConfigError::NoClient(error.into()))
}

/// Reads the root certificates, if they are needed.
fn tls_config(is_https: bool) -> Result<rustls::ClientConfig, ConfigError> {
    if is_https {
        tls::system_roots().map_err(ConfigError::NoRootCertificates)
    } else {
        tls::no_roots().map_err(|error| ConfigError::NoClient(error.into()))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a circuit outlives the request that opens it, and a call ends later than its request arrives"
)]
fn system_time() -> Timestamp {
    Timestamp::now()
}

fn is_base(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

/// An endpoint to call for an app.
pub(crate) struct Target<'a> {
    pub(crate) app: &'a AppId,
    pub(crate) path: &'static str,
    pub(crate) retry_on: RetryOn,
}

/// Sends the calls of one worker. Each worker has its own, because connections belong to a worker's runtime.
#[derive(Clone)]
pub(crate) struct HttpClient {
    http: reqwest::Client,
    config: HttpConfig,
}

impl HttpClient {
    /// Creates a worker's client. It does not connect yet.
    pub(crate) fn new(config: &HttpConfig) -> Self {
        // The same steps have succeeded once, so the fallback is only a way to avoid a panic.
        let http = config.http_client();
        Self {
            http: http.unwrap_or_else(|_| config.fallback.clone()),
            config: config.clone(),
        }
    }

    /// Sends a call, with retries, within the limits, and interprets the reply with `read`.
    pub(crate) async fn send<T>(
        &self,
        target: Target<'_>,
        request: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
        read: impl Fn(&RawReply) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // A mutex rather than a cell, because the future may move between threads.
        let last = Mutex::new(None);
        let call = self.config.retry.run(target.retry_on, async || {
            let uses_proxy = self.config.proxy.is_some();
            let reply = transport::exchange(request(&self.http), uses_proxy).await?;
            let outcome = read(&reply);
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
            outcome
        });
        let start = Instant::now();
        let outcome = self.config.limiter.run(target.app, target.path, call).await;
        let took = start.elapsed();
        let reply = last.into_inner().unwrap_or_else(PoisonError::into_inner);
        for observer in &self.config.observers {
            observer(&Call {
                platform: self.config.platform,
                endpoint: target.path,
                failure: outcome.as_ref().err(),
                took,
                exchange: Exchange {
                    request: &|| request(&self.http).build().ok(),
                    reply: reply.as_ref(),
                },
            });
        }
        outcome
    }

    /// Returns the URL of a path below the base URL, with a query.
    pub(crate) fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.config.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(path.split('/').filter(|part| !part.is_empty()));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        // A space becomes `%20`, which every parser decodes to a space; a literal plus is already `%2B`.
        let query = url.query().map(|query| query.replace('+', "%20"));
        url.set_query(query.as_deref());
        url
    }
}
