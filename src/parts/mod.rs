//! The parts from which each worker's App is assembled, created from the settings.

mod configured;

use std::sync::Arc;
use std::time::Duration;

use actix_guarded_server::Connections;
use actix_web::web;
use jiff::{SignedDuration, Timestamp};

use crate::account::{KeptPhoneNumbers, Profiles};
use crate::apps::Apps;
use crate::checked::{Checked, PartsError};
use crate::console_parts::Console;
use crate::events::{Delivery, Receiver};
use crate::handlers::admin::AdminData;
use crate::handlers::avatar::AvatarData;
use crate::handlers::docs::{self, Docs};
use crate::handlers::real_projects::RealProjects;
use crate::identity::Disclosure;
use crate::language::Language;
use crate::limits::Limits;
use crate::login::{LoginCounter, LoginPolicy};
use crate::metrics::Metrics;
use crate::middleware::access_log::AccessLog;
use crate::middleware::client_address::TrustedProxies;
use crate::middleware::foreign_pages;
use crate::middleware::json::{self, JsonConfig};
use crate::middleware::service_key::ServiceKeys;
use crate::middleware::session::TokenHeader;
use crate::openapi;
use crate::platforms::{AccessTokenCache, PlatformConfig};
use crate::readiness::Readiness;
use crate::routes;
use crate::session::{CryptoError, DataKeys};
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::store::{self, Store};
use wechat_simulator::{Commands, Guard, Simulator};

use configured::{
    admin_data, administration, apps, disclosure, login_policy, metered, phone_numbers,
};

pub use configured::lifetimes;

/// The parts of the App: created once, shared by all workers.
#[derive(Clone)]
pub struct Parts {
    pub(crate) platforms: PlatformConfig,
    pub(crate) access_tokens: Arc<AccessTokenCache>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) apps: Arc<Apps>,
    pub(crate) login_policy: LoginPolicy,
    pub(crate) limits: Arc<Limits>,
    pub(crate) login_counter: Arc<LoginCounter>,
    pub(crate) admin: AdminData,
    pub(crate) sessions: web::Data<Sessions>,
    pub(crate) profiles: web::Data<Profiles>,
    pub(crate) avatars: AvatarData,
    pub(crate) phone_numbers: web::Data<KeptPhoneNumbers>,
    /// The keys of kept phone numbers and of the digests that find users.
    pub(crate) data_keys: Arc<DataKeys>,
    pub(crate) watermark_max_age: Duration,
    pub(crate) readiness: web::Data<Readiness>,
    pub(crate) disclosure: web::Data<Disclosure>,
    pub(crate) service_keys: web::Data<ServiceKeys>,
    pub(crate) metrics: Option<web::Data<Metrics>>,
    pub(crate) metrics_path: Arc<str>,
    /// Set if the metrics are served on the server's port rather than on one of their own.
    pub(crate) shows_metrics: bool,
    pub(crate) json: JsonConfig,
    pub(crate) access_log: AccessLog,
    pub(crate) trusted_proxies: TrustedProxies,
    /// The files of the documentation of the API, if the server serves it.
    pub(crate) docs_files: Option<Arc<docs::Files>>,
    pub(crate) base_path: Arc<str>,
    pub(crate) cors_origins: Arc<[String]>,
    pub(crate) simulated: bool,
    /// The receiver of events, if there is one, and the age at which an event is dropped.
    pub(crate) events: Option<(Receiver, SignedDuration)>,
    pub(crate) real_projects: web::Data<RealProjects>,
    pub(crate) token_header: TokenHeader,
    /// The commands of the built-in simulator.
    pub(crate) commands: Option<Commands>,
    /// The guard against foreign web pages while WeChat is simulated.
    pub(crate) guard: Guard,
    /// The console, if the settings have one.
    pub(crate) console: Option<Console>,
}

impl Parts {
    /// Creates the parts from the settings: opens the store, reads the root certificates, parses the log format.
    ///
    /// A `simulator` replaces the configured WeChat and mini programs. `no_color` removes the colors of the `dev` format.
    ///
    /// # Errors
    /// [`PartsError`] names the setting at fault and the fix.
    #[expect(clippy::too_many_lines, reason = "one line per part")]
    pub async fn new(
        settings: &Settings,
        simulator: Option<&Simulator>,
        no_color: bool,
    ) -> Result<Self, PartsError> {
        let call_limit = settings.wechat.timeout();
        let base_url = simulator.map(Simulator::base_url);
        let mut checked = Checked::new(settings, base_url.as_deref(), no_color)?;
        let store = store::open(checked.database.clone()).await?;
        let (store, limits) = metered(store, Limits::new(&settings.limits), &mut checked);
        let apps = Arc::new(apps(settings, simulator));
        let guard = foreign_pages::guard(&settings.server);
        let console = Console::of(settings, &apps, &guard);
        if let Some(console) = &console {
            checked.platforms = checked.platforms.with_observer(console.observer());
        }
        let limits = Arc::new(limits);
        let data_keys = Arc::new(DataKeys::new(&settings.user.data_keys));
        let lifetimes = lifetimes(&settings.session);
        let sessions = Sessions::new(Arc::clone(&store), Arc::clone(&apps), lifetimes);
        let administration = administration(settings, &store, &apps, &data_keys)
            .with_pictures(checked.pictures.clone());
        Ok(Self {
            admin: admin_data(settings, administration, &limits),
            apps,
            avatars: AvatarData::new(settings, &store, &limits, checked.pictures),
            limits,
            login_counter: Arc::default(),
            login_policy: login_policy(&settings.session, store.write_timeout() + call_limit),
            profiles: web::Data::new(Profiles::new(Arc::clone(&store))),
            phone_numbers: web::Data::new(phone_numbers(settings, &store, &data_keys)),
            sessions: web::Data::new(sessions),
            watermark_max_age: Duration::from_secs(settings.wechat.watermark_seconds.into()),
            readiness: web::Data::new(Readiness::new(Arc::clone(&store))),
            disclosure: web::Data::new(disclosure(&settings.gateway)),
            service_keys: web::Data::new(ServiceKeys::new(&settings.gateway.service_keys)),
            metrics: checked.metrics,
            metrics_path: settings.metrics.path.as_str().into(),
            shows_metrics: settings.metrics.port == 0,
            json: json::config(&settings.json, settings.profile),
            trusted_proxies: TrustedProxies::new(&settings.server.trusted_proxies),
            docs_files: settings.server.docs.then(Arc::default),
            simulated: simulator.is_some(),
            events: checked.events,
            real_projects: web::Data::new(RealProjects::of(simulator)),
            token_header: checked.token_header,
            commands: simulator.map(Simulator::commands),
            guard,
            console,
            base_path: settings.server.base_path.as_str().into(),
            cors_origins: settings.server.cors_origins.as_slice().into(),
            platforms: checked.platforms,
            access_tokens: Arc::new(AccessTokenCache::new(Arc::clone(&store), call_limit)),
            store,
            access_log: checked.access_log,
            data_keys,
        })
    }

    /// Checks the settings that are parsed only when the parts are made. Opens neither the store nor a connection.
    ///
    /// # Errors
    /// [`PartsError`] names the invalid setting.
    pub fn check(settings: &Settings) -> Result<(), PartsError> {
        Checked::new(settings, None, true).map(drop)
    }

    /// Returns the session use cases, for the sweep.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Returns the kept phone numbers.
    pub fn phone_numbers(&self) -> &KeptPhoneNumbers {
        &self.phone_numbers
    }

    /// Returns the readiness of the server, for the shutdown.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Counts the stored sessions, and the events that wait, for the metrics. Takes time proportional to their number, on no worker's thread.
    ///
    /// # Errors
    /// [`store::Error`] if the store fails; the last count stays.
    pub async fn count_sessions(&self, now: Timestamp) -> Result<(), store::Error> {
        if let Some(metrics) = &self.metrics {
            metrics.set_sessions(self.store.count_sessions().await?, now);
            if self.events.is_some() {
                metrics.set_pending_events(self.store.count_events().await?);
            }
        }
        Ok(())
    }

    /// Stores the numbers of logins that have changed since the last call.
    ///
    /// # Errors
    /// [`store::Error`] if the store fails; the next call stores them again.
    pub async fn store_login_counts(&self, now: Timestamp) -> Result<(), store::Error> {
        self.login_counter.store(&*self.store, now).await
    }

    /// Sets the source of the number of dropped log lines, for the metrics.
    pub fn watch_log(&self, dropped: impl Fn() -> u64 + Send + Sync + 'static) {
        if let Some(metrics) = &self.metrics {
            metrics.watch_log(dropped);
        }
    }

    /// Sets the server whose connections the metrics count.
    pub fn watch_connections(&self, connections: &Connections) {
        if let Some(metrics) = &self.metrics {
            metrics.watch_connections(connections.clone());
        }
    }

    /// Returns the console, if there is one.
    pub fn console(&self) -> Option<&Console> {
        self.console.as_ref()
    }

    /// Adds the data that all workers share to a service.
    pub(crate) fn add_data(&self, api: &mut web::ServiceConfig) {
        api.app_data(self.sessions.clone())
            .app_data(self.profiles.clone())
            .configure(|api| self.avatars.register(api))
            .app_data(self.phone_numbers.clone())
            .app_data(self.readiness.clone())
            .app_data(self.disclosure.clone())
            .app_data(self.service_keys.clone())
            .app_data(self.json.clone())
            .app_data(self.trusted_proxies.clone())
            .app_data(self.token_header.clone())
            .app_data(self.real_projects.clone());
    }

    /// Adds the data of the admin API to a service.
    pub(crate) fn add_administration(&self, api: &mut web::ServiceConfig) {
        self.admin.add_to(api);
        api.app_data(self.phone_numbers.clone())
            .app_data(self.json.clone())
            .app_data(self.trusted_proxies.clone());
    }

    /// Adds the commands of the built-in simulator, if there is one.
    pub(crate) fn add_commands(&self, api: &mut web::ServiceConfig) {
        if let Some(commands) = self.commands.clone() {
            routes::register_simulator(api, commands);
        }
    }

    /// Adds the metrics to a service, and their route if `shown`.
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
        let (files, base_path) = (self.docs_files.clone()?, Arc::clone(&self.base_path));
        let make = move |language| match language {
            Language::English => openapi::text(&endpoints, &base_path),
            Language::Chinese => openapi::chinese_text(&endpoints, &base_path),
        };
        Some(Docs::new(make, &self.base_path, files))
    }

    /// Returns the delivery of events, if the settings name a receiver.
    ///
    /// # Errors
    /// [`CryptoError`] if the operating system returns no random bytes.
    pub fn event_delivery(&self) -> Result<Option<Delivery>, CryptoError> {
        let metrics = self.metrics.clone().map(web::Data::into_inner);
        let delivery = |(receiver, keep): (Receiver, SignedDuration)| {
            Delivery::new(Arc::clone(&self.store), receiver, metrics, keep)
        };
        self.events.clone().map(delivery).transpose()
    }

    /// Returns the store, for the shutdown.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }
}
