//! The parts of the App that settings can make impossible, and the errors.

use std::net::SocketAddr;

use actix_web::web;
use jiff::SignedDuration;

use crate::events::{Receiver, ReceiverError};
use crate::metrics::Metrics;
use crate::middleware::access_log::{AccessLog, FormatError};
use crate::middleware::path_matching::PathMatching;
use crate::middleware::session::TokenHeader;
use crate::pictures::{self, Storage};
use crate::platforms::{PlatformConfig, SettingError};
use crate::routes;
use crate::settings::{Events, Settings};
use crate::store::{self, Database};

/// A part cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The settings of a platform cannot be used.
    #[error(transparent)]
    Platform(#[from] SettingError),
    /// The avatars cannot be kept where the settings say.
    #[error("`avatar.store` cannot be used")]
    Avatars(#[from] pictures::ConfigError),
    /// The log format is invalid.
    #[error("`log.format` cannot be used")]
    AccessLog(#[from] FormatError),
    /// The receiver of events cannot be used.
    #[error("`events.url` cannot be used")]
    Events(#[from] ReceiverError),
    /// A metric cannot be registered.
    #[error("the metrics cannot be set up")]
    Metrics(#[from] prometheus::Error),
    /// The path of the metrics is that of a route.
    #[error(
        "`metrics.path` cannot be `{0}`, which is a route\n  hint: choose another path, such as /metrics"
    )]
    MetricsPath(String),
    /// The port of the metrics is that of the server.
    #[error(
        "`metrics.port` cannot be {0}, on which the server itself listens (`server.port` or `server.listen`)\n  hint: choose another port, or 0 to serve the metrics on the port of the server"
    )]
    MetricsPort(u16),
    /// The port of the admin API is that of the server or of the metrics.
    #[error(
        "`admin.port` cannot be {0}, which is the port of the server or of the metrics (`server.port`, `server.listen` or `metrics.port`)\n  hint: choose another port, or 0 for no admin API"
    )]
    AdminPort(u16),
}

/// The parts that settings may make impossible. A server and a check of the settings create the same ones, so that both reject
/// the same settings.
pub(crate) struct Checked {
    pub(crate) platforms: PlatformConfig,
    pub(crate) access_log: AccessLog,
    pub(crate) token_header: TokenHeader,
    pub(crate) metrics: Option<web::Data<Metrics>>,
    pub(crate) database: Database,
    pub(crate) pictures: Option<Storage>,
    /// The receiver of events, and the age at which an event is dropped.
    pub(crate) events: Option<(Receiver, SignedDuration)>,
}

impl Checked {
    pub(crate) fn new(
        settings: &Settings,
        simulator: Option<&str>,
        no_color: bool,
    ) -> Result<Self, PartsError> {
        let database = Database::configured(settings);
        store::check(&database)?;
        check_admin_port(settings)?;
        Ok(Self {
            access_log: AccessLog::of(settings, no_color)?,
            token_header: TokenHeader::named(&settings.session.token_header),
            metrics: new_metrics(settings)?,
            platforms: PlatformConfig::configured(settings, simulator)?,
            pictures: Storage::configured(&settings.avatar)?,
            events: receiver(&settings.events)?,
            database,
        })
    }
}

/// Creates the metrics, if enabled. Their path must not be that of a route, and their port not that of the server.
fn new_metrics(settings: &Settings) -> Result<Option<web::Data<Metrics>>, PartsError> {
    let metrics = &settings.metrics;
    let rows = [routes::table(), routes::docs(), routes::console()];
    let rows = rows.into_iter().flatten();
    if PathMatching::new(rows.map(|row| row.path)).contains(&metrics.path) {
        return Err(PartsError::MetricsPath(metrics.path.clone()));
    }
    if !metrics.enabled {
        return Ok(None);
    }
    let (own, sockets) = (metrics.address(), settings.server.sockets());
    let taken = |own| sockets.iter().any(|server| overlap(own, *server));
    if own.is_some_and(taken) {
        return Err(PartsError::MetricsPort(metrics.port));
    }
    Ok(Some(web::Data::new(Metrics::new(settings.profile.name())?)))
}

/// The port of the admin API must be neither that of the server nor that of the metrics.
fn check_admin_port(settings: &Settings) -> Result<(), PartsError> {
    let taken = settings.server.sockets().into_iter();
    let mut taken = taken.chain(settings.metrics.address());
    match settings.admin.address() {
        Some(own) if taken.any(|other| overlap(own, other)) => {
            Err(PartsError::AdminPort(settings.admin.port))
        }
        _ => Ok(()),
    }
}

/// Returns `true` if only one of two sockets can listen: the ports are the same, and one address includes the other.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let all = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (all || one.ip() == other.ip())
}

/// Prepares deliveries to the receiver of events, if there is one.
fn receiver(events: &Events) -> Result<Option<(Receiver, SignedDuration)>, ReceiverError> {
    if events.url.is_empty() {
        return Ok(None);
    }
    let receiver = Receiver::new(&events.url, &events.secret)?;
    let keep = SignedDuration::from_hours(24 * i64::from(events.keep_days));
    Ok(Some((receiver, keep)))
}
