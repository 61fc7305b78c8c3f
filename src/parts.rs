//! What the app is made of, made as the settings say.
//!
//! Knows which parts there are and which settings each follows. Never knows how they wrap the routes, or what a handler does.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use jiff::{SignedDuration, Timestamp};

use crate::account::access_token::Shelf;
use crate::account::{Decryption, Profiles};
use crate::apps::Apps;
use crate::handlers::docs::Docs;
use crate::identity::{AppId, AppSecret, Disclosure};
use crate::login::LoginPolicy;
use crate::metrics::{self, MeteredStore, Metrics};
use crate::middleware::access_log::{AccessLog, FormatError};
use crate::middleware::json::{self, JsonConfig};
use crate::middleware::service_key::ServiceKeys;
use crate::openapi;
use crate::platforms::wechat;
use crate::readiness::Readiness;
use crate::routes;
use crate::session::Lifetimes;
use crate::sessions::Sessions;
use crate::settings::{self, LogStyle, Settings};
use crate::store::{self, Store};
use wechat_simulator::Simulator;

/// What the app is made of: made once, shared by all workers.
#[derive(Clone)]
pub struct Parts {
    pub(crate) wechat: wechat::Config,
    pub(crate) access_tokens: Arc<Shelf>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) apps: Arc<Apps>,
    pub(crate) login_policy: LoginPolicy,
    pub(crate) sessions: web::Data<Sessions>,
    pub(crate) profiles: web::Data<Profiles>,
    pub(crate) decryption: web::Data<Decryption>,
    pub(crate) readiness: web::Data<Readiness>,
    pub(crate) disclosure: web::Data<Disclosure>,
    pub(crate) service_keys: web::Data<ServiceKeys>,
    pub(crate) metrics: Option<web::Data<Metrics>>,
    pub(crate) metrics_path: Arc<str>,
    /// Whether the metrics are seen on the server's port, rather than on one of their own.
    pub(crate) shows_metrics: bool,
    pub(crate) json: JsonConfig,
    pub(crate) access_log: AccessLog,
    /// If `true`, the server serves the documentation of its API.
    pub(crate) serves_docs: bool,
    pub(crate) simulated: bool,
}

/// Why the parts could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// The store cannot serve.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// There can be no client for WeChat.
    #[error("`wechat.base_url` cannot be used: {0}")]
    Wechat(#[from] wechat::ConfigError),
    /// The access log cannot be written as the settings say.
    #[error("`log.format` cannot be used: {0}")]
    AccessLog(#[from] FormatError),
    /// A metric is defined wrongly.
    #[error("the metrics cannot be set up")]
    Metrics(#[from] prometheus::Error),
    /// The metrics cannot be where a route is.
    #[error(
        "`metrics.path` cannot be `{0}`, which is a route\n  hint: choose another path, such as /metrics, or a port with `metrics.port`"
    )]
    MetricsPath(String),
}

impl Parts {
    /// Makes the parts as the settings say: opens the store, reads the root certificates, translates the log format.
    ///
    /// `upstream` takes the place of the settings' WeChat and mini programs: a simulator. `no_color` takes the colours
    /// off the `dev` format.
    ///
    /// # Errors
    /// [`PartsError`] names the setting that cannot be followed and says what to do.
    pub async fn new(
        settings: &Settings,
        upstream: Option<&Simulator>,
        no_color: bool,
    ) -> Result<Self, PartsError> {
        let wechat = &settings.wechat;
        let call_limit = wechat.timeout();
        let decryption = Decryption::new(Duration::from_secs(wechat.watermark_seconds.into()));
        let base_url = upstream.map_or(wechat.base_url.clone(), Simulator::base_url);
        let mut wechat = wechat::Config::new(&base_url, wechat.connect_timeout(), call_limit)?;
        let log = &settings.log;
        let access_log = match log.style {
            LogStyle::Text => AccessLog::new(&log.format, &log.skip, no_color)?,
            LogStyle::Json => AccessLog::new(&log.format, &log.skip, true)?.with_fields(),
        };
        let metrics = new_metrics(settings)?;
        let mut store = store::open(&settings.store.url).await?;
        if let Some(metrics) = metrics.clone().map(web::Data::into_inner) {
            store = Arc::new(MeteredStore::new(store, Arc::clone(&metrics)));
            wechat = wechat.with_observer(metrics::observer(metrics));
        }
        let apps = Arc::new(apps(settings, upstream));
        let session = &settings.session;
        let lifetimes = lifetimes(session);
        let sessions = Sessions::new(Arc::clone(&store), Arc::clone(&apps), lifetimes);
        Ok(Self {
            apps,
            login_policy: LoginPolicy {
                lifetime: lifetimes.absolute,
                sessions_per_user: session.per_user,
                key_generations: session.key_history,
                time_limit: SignedDuration::try_from(store.write_timeout() + call_limit)
                    .unwrap_or(SignedDuration::MAX),
            },
            profiles: web::Data::new(Profiles::new(Arc::clone(&store))),
            sessions: web::Data::new(sessions),
            decryption: web::Data::new(decryption),
            readiness: web::Data::new(Readiness::new(Arc::clone(&store))),
            disclosure: web::Data::new(Disclosure {
                openid: settings.gateway.disclose_openid,
            }),
            service_keys: web::Data::new(ServiceKeys::new(&settings.gateway.service_keys)),
            metrics,
            metrics_path: settings.metrics.path.as_str().into(),
            shows_metrics: settings.metrics.port == 0,
            json: json::config(&settings.json, settings.profile),
            access_tokens: Arc::new(Shelf::new(Arc::clone(&store), call_limit)),
            serves_docs: settings.server.docs,
            simulated: upstream.is_some(),
            wechat,
            store,
            access_log,
        })
    }

    /// Checks the settings that are parsed only when the parts are made. Opens neither the store nor a connection.
    ///
    /// # Errors
    /// [`PartsError`] names the invalid setting.
    pub fn check(settings: &Settings) -> Result<(), PartsError> {
        AccessLog::new(&settings.log.format, &settings.log.skip, true)?;
        new_metrics(settings)?;
        let wechat = &settings.wechat;
        wechat::Config::new(&wechat.base_url, wechat.connect_timeout(), wechat.timeout())?;
        Ok(())
    }

    /// The kept sessions, for the sweep.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Whether requests are welcome, for the way out.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Counts the kept sessions, for the metrics. Takes as long as the store has many, and no worker's time.
    ///
    /// # Errors
    /// [`store::Error`] if the store fails; the last count stays.
    pub async fn count_sessions(&self, now: Timestamp) -> Result<(), store::Error> {
        if let Some(metrics) = &self.metrics {
            metrics.set_sessions(self.store.count_sessions().await?, now);
        }
        Ok(())
    }

    /// Lets the metrics ask how many log lines were dropped.
    pub fn watch_log(&self, dropped: impl Fn() -> u64 + Send + Sync + 'static) {
        if let Some(metrics) = &self.metrics {
            metrics.watch_log(dropped);
        }
    }

    /// Gives a service the metrics to count in, and shows them there if they are to be seen.
    pub(crate) fn add_metrics(&self, api: &mut web::ServiceConfig, shown: bool) {
        let Some(metrics) = &self.metrics else {
            return;
        };
        api.app_data(metrics.clone());
        if shown {
            routes::register_metrics(api, &self.metrics_path);
        }
    }

    /// Returns the documentation of these rows, if the settings want it.
    pub(crate) fn docs(&self, rows: &[routes::Row]) -> Option<Docs> {
        let endpoints: Vec<_> = rows.iter().map(|row| (**row).clone()).collect();
        self.serves_docs
            .then(|| Docs::new(move || openapi::text(&endpoints)))
    }

    /// The store, for the way out.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }
}

/// The metrics, if the settings want any. No route may be where they are to be seen.
fn new_metrics(settings: &Settings) -> Result<Option<web::Data<Metrics>>, PartsError> {
    let path = settings.metrics.path.as_str();
    if routes::table().iter().any(|row| row.path == path) {
        return Err(PartsError::MetricsPath(path.to_owned()));
    }
    let profile = settings.profile.name();
    if !settings.metrics.enabled {
        return Ok(None);
    }
    Ok(Some(web::Data::new(Metrics::new(profile)?)))
}

fn apps(settings: &Settings, upstream: Option<&Simulator>) -> Apps {
    match upstream {
        Some(simulator) => Apps::new([(
            "main".to_owned(),
            AppId::new(simulator.app_id()),
            AppSecret::new(simulator.app_secret()),
        )]),
        None => Apps::new(
            settings
                .apps
                .iter()
                .map(|(name, app)| (name.clone(), app.app_id.clone(), app.app_secret.clone())),
        ),
    }
}

/// How long sessions live, as the settings say.
pub fn lifetimes(session: &settings::Session) -> Lifetimes {
    Lifetimes {
        absolute: seconds(session.lifetime_seconds),
        idle: seconds(session.idle_seconds),
        touch_after: seconds(session.touch_seconds),
    }
}

fn seconds(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(seconds.into())
}
