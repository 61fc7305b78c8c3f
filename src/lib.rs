#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! [`app`] assembles what `main` serves and what the tests call; [`Parts`] is what it is assembled from.
//!
//! Knows which parts exist and how they wrap the routes. Never knows what a handler does.

pub mod account;
pub mod error;
pub mod handlers;
pub mod identity;
pub mod login;
pub mod middleware;
pub mod readiness;
pub mod routes;
pub mod session;
pub mod settings;
pub mod simulator;
pub mod store;
pub mod telemetry;
pub mod wechat;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, DefaultHeaders, from_fn};
use actix_web::{App, web};
use jiff::SignedDuration;

use account::access_token::{AccessTokens, Shelf};
use account::{Decryption, Devices, Phones, Profiles, SessionKeys};
use login::{Apps, Logins, Rules, Sessions};
use middleware::access_log::AccessLog;
use middleware::json::JsonConfig;
use middleware::paths::Paths;
use middleware::{closing, request_id};
use readiness::Readiness;
use session::Lifetimes;
use settings::{LogStyle, Settings};
use store::Store;

/// What the app is made of: made once, shared by all workers.
#[derive(Clone)]
pub struct Parts {
    wechat: wechat::Config,
    access_tokens: Arc<Shelf>,
    store: Arc<dyn Store>,
    rules: Rules,
    sessions: web::Data<Sessions>,
    devices: web::Data<Devices>,
    profiles: web::Data<Profiles>,
    decryption: web::Data<Decryption>,
    readiness: web::Data<Readiness>,
    json: JsonConfig,
    access_log: AccessLog,
    simulated: bool,
}

/// How long the store may take over a write: SQLite's wait for another process's lock, which is 5 seconds, and a commit.
const STORE_PATIENCE: Duration = Duration::from_secs(6);

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
    AccessLog(#[from] middleware::access_log::FormatError),
}

impl Parts {
    /// Makes the parts as the settings say: opens the store, reads the root certificates, translates the log format.
    ///
    /// `upstream` takes the place of the settings' WeChat and mini programs: a simulator. `no_color` takes the colours
    /// off the `dev` format.
    ///
    /// # Errors
    /// [`PartsError`] names the setting that cannot be followed and says what to do.
    pub fn new(
        settings: &Settings,
        upstream: Option<&simulator::Simulator>,
        no_color: bool,
    ) -> Result<Self, PartsError> {
        let wechat = &settings.wechat;
        let call_limit = wechat.timeout();
        let decryption = Decryption::new(Duration::from_secs(wechat.watermark_seconds.into()));
        let base_url = upstream.map_or(wechat.base_url.clone(), simulator::Simulator::base_url);
        let wechat = wechat::Config::new(&base_url, wechat.connect_timeout(), call_limit)?;
        let log = &settings.log;
        let access_log = match log.style {
            LogStyle::Text => AccessLog::new(&log.format, &log.skip, no_color)?,
            LogStyle::Json => AccessLog::new(&log.format, &log.skip, true)?.for_machines(),
        };
        let store = store::open(&settings.store.url)?;
        let apps = Arc::new(apps(settings, upstream));
        let session = &settings.session;
        let lifetimes = Lifetimes {
            absolute: seconds(session.lifetime_seconds),
            idle: seconds(session.idle_seconds),
            touch_after: seconds(session.touch_seconds),
        };
        let sessions = Sessions::new(Arc::clone(&store), apps, lifetimes);
        Ok(Self {
            rules: Rules {
                lifetime: lifetimes.absolute,
                sessions_per_user: session.per_user,
                key_generations: session.key_generations,
                patience: SignedDuration::try_from(STORE_PATIENCE + call_limit)
                    .unwrap_or(SignedDuration::MAX),
            },
            devices: web::Data::new(Devices::new(Arc::clone(&store), lifetimes)),
            profiles: web::Data::new(Profiles::new(Arc::clone(&store))),
            sessions: web::Data::new(sessions),
            decryption: web::Data::new(decryption),
            readiness: web::Data::new(Readiness::new(Arc::clone(&store))),
            json: JsonConfig {
                limit: settings.json.limit,
                strict: settings.json.strict,
                refuse_other_types: settings.json.refuse_other_types,
                inflate: settings.json.inflate,
                body_timeout: settings.json.body_timeout(),
            },
            access_tokens: Arc::new(Shelf::new(Arc::clone(&store), call_limit)),
            simulated: upstream.is_some(),
            wechat,
            store,
            access_log,
        })
    }

    /// The kept sessions, for the sweep.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Whether requests are welcome, for the way out.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The store, for the way out.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }
}

/// Assembles one worker's app.
pub fn app(
    parts: &Parts,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let wechat = wechat::Client::new(&parts.wechat);
    let access_tokens = AccessTokens::new(wechat.clone(), Arc::clone(&parts.access_tokens));
    let store = Arc::clone(&parts.store);
    let phones = Phones::new(access_tokens.clone(), store, parts.rules.patience);
    let session_keys = SessionKeys::new(access_tokens, Arc::clone(&parts.sessions));
    let logins = Logins::new(wechat, Arc::clone(&parts.sessions), parts.rules);
    let paths = Paths::new(routes::table().iter().map(|row| row.path));
    let names = request_id::Names::default();
    let simulated = DefaultHeaders::new().add(("x-wechat", "simulated"));
    let readiness = Rc::new(parts.readiness.clone());
    App::new()
        .app_data(web::Data::new(logins))
        .app_data(web::Data::new(phones))
        .app_data(web::Data::new(session_keys))
        .app_data(parts.sessions.clone())
        .app_data(parts.devices.clone())
        .app_data(parts.profiles.clone())
        .app_data(parts.decryption.clone())
        .app_data(parts.readiness.clone())
        .app_data(parts.json.clone())
        .configure(routes::configure)
        // The last one wrapped is the first to see a request.
        .wrap(from_fn(move |request, next| {
            paths.clone().match_like_express(request, next)
        }))
        .wrap(Condition::new(parts.simulated, simulated))
        .wrap(from_fn(move |request, next| {
            request_id::name(names.clone(), request, next)
        }))
        .wrap(parts.access_log.clone())
        .wrap_fn(move |request, app| closing::close(request, app, Rc::clone(&readiness)))
}

fn apps(settings: &Settings, upstream: Option<&simulator::Simulator>) -> Apps {
    match upstream {
        Some(simulator) => Apps::new([(
            "main".to_owned(),
            identity::AppId::new(simulator.app_id()),
            identity::AppSecret::new(simulator.app_secret()),
        )]),
        None => Apps::new(
            settings
                .apps
                .iter()
                .map(|(name, app)| (name.clone(), app.app_id.clone(), app.app_secret.clone())),
        ),
    }
}

fn seconds(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(seconds.into())
}
