//! The client of WeChat's server API.

use crate::identity::{AppId, PlatformName};
use crate::platforms::error::Error;
use crate::platforms::http::{ConfigError, HttpClient, HttpConfig, Target};
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::reply::Reply;
use crate::settings::Wechat;

/// Configures the clients of all workers. A simulator's URL replaces WeChat's.
///
/// # Errors
/// [`ConfigError`] if a setting cannot be used.
pub fn configured(settings: &Wechat, simulator: Option<&str>) -> Result<HttpConfig, ConfigError> {
    let base_url = simulator.unwrap_or(&settings.base_url);
    let (connect, whole) = (settings.connect_timeout(), settings.timeout());
    let config = HttpConfig::new(PlatformName::Wechat, base_url, connect, whole)?;
    match &settings.proxy {
        Some(proxy) => config.with_proxy(proxy.expose()),
        None => Ok(config),
    }
}

/// Sends the calls of one worker to WeChat.
#[derive(Clone)]
pub struct Client(HttpClient);

impl Client {
    /// Creates a worker's client. It does not connect yet.
    pub fn new(config: &HttpConfig) -> Self {
        Self(HttpClient::new(config))
    }

    /// Sends a GET request with a query.
    pub(super) async fn get(
        &self,
        app: &AppId,
        endpoint: Endpoint,
        query: &[(&str, &str)],
    ) -> Result<Reply, Error> {
        let url = self.0.url(endpoint.path(), query);
        self.send(app, endpoint, |http| http.get(url.clone())).await
    }

    /// Sends a POST request with a query and a JSON body.
    pub(super) async fn post(
        &self,
        app: &AppId,
        endpoint: Endpoint,
        query: &[(&str, &str)],
        body: &serde_json::Value,
    ) -> Result<Reply, Error> {
        let url = self.0.url(endpoint.path(), query);
        self.send(app, endpoint, |http| http.post(url.clone()).json(body))
            .await
    }

    async fn send(
        &self,
        app: &AppId,
        endpoint: Endpoint,
        request: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Reply, Error> {
        let target = Target {
            app,
            path: endpoint.path(),
            retry_on: endpoint.retry_on(),
        };
        self.0.send(target, request, Reply::read).await
    }
}
