//! The client of WeChat's server API.
//!
//! Knows one upstream: its wire formats, its error numbers, and how long to wait for it.
//! Never knows our own HTTP surface, sessions, tokens, or where its settings come from. It has no mock: tests and the
//! simulator come in through the base URL.

mod access_token;
mod answer;
mod circuit;
mod code2session;
pub mod doctor;
pub mod encrypted_data;
mod endpoint;
pub mod errcode;
mod error;
mod gate;
mod members;
mod patience;
mod phone;
mod referer;
mod refusal;
mod rid;
mod session_key;
mod tls;
mod transport;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Url;

use crate::identity::{AppId, AppSecret};
use crate::platforms::wechat::answer::Answer;
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::gate::Gate;
use crate::platforms::wechat::patience::Patience;

pub use crate::platforms::wechat::access_token::AccessToken;
pub use crate::platforms::wechat::circuit::{Limits, MAX_PAUSE, MAX_QUOTA_PAUSE};
pub use crate::platforms::wechat::code2session::Identity;
pub use crate::platforms::wechat::errcode::Class;
pub use crate::platforms::wechat::error::{Error, Fault, Flaw, Obstacle};
pub use crate::platforms::wechat::referer::{Channel, Referer};
pub use crate::platforms::wechat::refusal::{Clue, Refusal};
pub use crate::platforms::wechat::rid::Rid;
pub use crate::platforms::wechat::session_key::{SessionKeyReset, SessionKeyStatus};
pub use crate::platforms::wechat::transport::MAX_REPLY_BYTES;

/// A mini program, as WeChat's console names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its AppID.
    pub id: AppId,
    /// Its AppSecret.
    pub secret: AppSecret,
}

/// What every worker's client is made from. Made once, and then cheap to clone and to share.
///
/// Clones share what was learnt of WeChat's state: the workers of a process hold back together.
#[derive(Clone)]
pub struct Config {
    base_url: Url,
    patience: Patience,
    gate: Gate,
    observer: Option<Observer>,
    tls: rustls::ClientConfig,
    /// Made by the very steps that make a worker's client: the proof that they work.
    proof: reqwest::Client,
}

/// One call that has ended, for whoever watches.
#[derive(Debug)]
pub struct Call<'a> {
    /// The path that was asked, or would have been.
    pub endpoint: &'static str,
    /// Why it gave nothing; `None` for a success.
    pub failure: Option<&'a Error>,
    /// How long it took with all its tries.
    pub took: Duration,
}

/// Told of each call at its end. A call that is given up is not told of.
pub type Observer = Arc<dyn Fn(&Call<'_>) + Send + Sync>;

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The base URL is none, or is more than a base.
    #[error(
        "it must be http:// or https:// with a host, and without user, query and fragment, such as https://api.weixin.qq.com"
    )]
    BaseUrl,
    /// The platform has no root certificates, so no certificate of WeChat's could be trusted.
    #[error(
        "this machine has no root certificates to check WeChat's with; install the package ca-certificates, or set SSL_CERT_FILE"
    )]
    NoRootCertificates(#[source] rustls::Error),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    NoClient(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Config {
    /// Takes the base URL (`https://api.weixin.qq.com`, or a simulator's), the limit for one connection, and the limit for
    /// a whole call: all tries, all pauses, and the last byte. Reads the platform's root certificates if the URL is `https`.
    ///
    /// # Errors
    /// [`ConfigError::BaseUrl`] if the URL is malformed; [`ConfigError::NoRootCertificates`] if it is `https` and there are none.
    pub fn new(base_url: &str, connect: Duration, whole: Duration) -> Result<Self, ConfigError> {
        let base_url = Url::parse(base_url)
            .ok()
            .filter(is_base)
            .ok_or(ConfigError::BaseUrl)?;
        let tls = if base_url.scheme() == "https" {
            tls::platform_trust().map_err(ConfigError::NoRootCertificates)?
        } else {
            tls::no_trust().map_err(|error| ConfigError::NoClient(error.into()))?
        };
        let connect = connect.min(whole);
        let proof = transport::http_client(tls.clone(), connect)
            .map_err(|error| ConfigError::NoClient(error.into()))?;
        Ok(Self {
            base_url,
            patience: Patience { connect, whole },
            gate: Gate::new(Limits::default(), Arc::new(system_time)),
            observer: None,
            tls,
            proof,
        })
    }

    /// The same, watched.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same with other limits on calls, and nothing learnt yet.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.gate = self.gate.with(Some(limits), None);
        self
    }

    /// The same with another clock to tell when a circuit closes, and nothing learnt yet.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.gate = self.gate.with(None, Some(Arc::new(clock)));
        self
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a circuit outlives the request that opens it, and a call's end is no request's arrival"
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

/// Asks WeChat. One for each worker, because its connections live and die with the worker's runtime.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    patience: Patience,
    gate: Gate,
    observer: Option<Observer>,
}

impl Client {
    /// Makes a worker's client. It connects to nothing yet.
    pub fn new(config: &Config) -> Self {
        // The same steps have succeeded once, so the proof itself is only ever a way to say it without a panic.
        let http = transport::http_client(config.tls.clone(), config.patience.connect);
        Self {
            http: http.unwrap_or_else(|_| config.proof.clone()),
            base_url: config.base_url.clone(),
            patience: config.patience,
            gate: config.gate.clone(),
            observer: config.observer.clone(),
        }
    }

    /// Asks by GET, patiently, and reads the answer.
    async fn get(
        &self,
        app: &AppId,
        endpoint: Endpoint,
        query: &[(&str, &str)],
    ) -> Result<Answer, Error> {
        let url = self.url(endpoint.path(), query);
        self.ask(app, endpoint, || self.http.get(url.clone())).await
    }

    /// Asks by POST, patiently, and reads the answer.
    async fn post(
        &self,
        app: &AppId,
        endpoint: Endpoint,
        query: &[(&str, &str)],
        body: &serde_json::Value,
    ) -> Result<Answer, Error> {
        let url = self.url(endpoint.path(), query);
        self.ask(app, endpoint, || self.http.post(url.clone()).json(body))
            .await
    }

    async fn ask(
        &self,
        app: &AppId,
        endpoint: Endpoint,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Answer, Error> {
        let call = self.patience.attempt(endpoint.again(), async || {
            let reply = transport::exchange(request()).await?;
            Answer::read(&reply)
        });
        let start = Instant::now();
        let outcome = self.gate.pass(app, endpoint, call).await;
        if let Some(observer) = &self.observer {
            observer(&Call {
                endpoint: endpoint.path(),
                failure: outcome.as_ref().err(),
                took: start.elapsed(),
            });
        }
        outcome
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(path.split('/').filter(|part| !part.is_empty()));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        // A space is written as `%20`, which every parser takes for one; a real plus is `%2B` already.
        let query = url.query().map(|query| query.replace('+', "%20"));
        url.set_query(query.as_deref());
        url
    }
}
