//! The metrics among the parts: what asks them, and where they are seen.
//!
//! Knows the server's port from one of their own. Never knows what is counted.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use jiff::Timestamp;

use crate::metrics::Metrics;
use crate::middleware::request_id;
use crate::settings::Settings;
use crate::{Parts, PartsError, routes, store};

/// The metrics, if the settings want any. No route may be where they are to be seen.
pub(super) fn metrics(settings: &Settings) -> Result<Option<web::Data<Metrics>>, PartsError> {
    let path = settings.metrics.path.as_str();
    if routes::table().iter().any(|row| row.path == path) {
        return Err(PartsError::MetricsPath(path.to_owned()));
    }
    let profile = settings.profile.name();
    let metrics = || web::Data::new(Metrics::new(profile));
    Ok(settings.metrics.enabled.then(metrics))
}

impl Parts {
    /// Counts the kept sessions, for the metrics. Takes as long as the store has many, and no worker's time.
    ///
    /// # Errors
    /// [`store::Error`] if the store fails; the last count stays.
    pub async fn count_sessions(&self, now: Timestamp) -> Result<(), store::Error> {
        if let Some(metrics) = &self.metrics {
            metrics.note_sessions(self.store.count_sessions().await?, now);
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
    pub(super) fn add_metrics(&self, api: &mut web::ServiceConfig, shown: bool) {
        let Some(metrics) = &self.metrics else {
            return;
        };
        api.app_data(metrics.clone());
        if shown {
            routes::metrics(api, &self.metrics_path);
        }
    }
}

/// Assembles the app of the metrics' own port: nothing but them.
pub fn metrics_app(
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
    let names = request_id::Names::default();
    App::new()
        .configure(|api| parts.add_metrics(api, true))
        .configure(routes::nothing_else)
        .wrap(from_fn(move |request, next| {
            request_id::name(names.clone(), request, next)
        }))
}
