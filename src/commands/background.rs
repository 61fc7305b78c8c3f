//! Tasks that run next to the server: the session sweep, the session count, the login counts, the report of closed connections,
//! the delivery of events, and the ports of the metrics and of the admin API.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use actix_guarded_server::{Connections, Cutoff, HttpServer, Limits};
use actix_rt::task::JoinHandle;
use jiff::Timestamp;
use weapp_login::events::Delivery;
use weapp_login::sessions::SweepOutcome;
use weapp_login::settings::Settings;
use weapp_login::{Parts, admin_app, metrics_app};

use crate::commands::{bind_failure, connection_limits};

/// Interval between two sweeps. Our choice: an expired session is rejected whether it was swept or not.
const SWEEP_INTERVAL: Duration = Duration::from_mins(10);

/// Minimum pause between two session counts. Our choice: a graph of a day shows no finer detail.
const COUNT_INTERVAL: Duration = Duration::from_mins(1);

/// Minimum pause after a session count, as a multiple of the time that the count took. It bounds the cost to a hundredth of
/// one core, no matter how many sessions exist. Our choice.
const PAUSE_PER_COUNT: u32 = 100;

/// Interval at which the numbers of logins are stored. Our choice: a process that is killed loses those since the last time.
const LOGIN_COUNT_INTERVAL: Duration = Duration::from_mins(1);

/// Interval at which connections that were cut off are reported. Our choice: an attack makes thousands, and this is one line.
const CUTOFF_INTERVAL: Duration = Duration::from_secs(10);

/// Pause before a port is tried again while another process uses it.
const BIND_RETRY: Duration = Duration::from_secs(1);

/// Maximum number of connections to the metrics port. Our choice: a Prometheus server needs one.
const METRICS_CONNECTIONS: usize = 64;

/// Maximum number of connections to the admin port. Our choice: many operators with a browser.
const ADMIN_CONNECTIONS: usize = 256;

/// Running background tasks. They stop when this is dropped.
pub(crate) struct BackgroundTasks(Vec<JoinHandle<()>>);

/// Starts the background tasks that the settings call for.
pub(crate) fn start(
    settings: &Settings,
    parts: &Parts,
    connections: &Connections,
) -> BackgroundTasks {
    let mut tasks = vec![
        actix_rt::spawn(report_cutoffs(connections.clone())),
        actix_rt::spawn(sweep_sessions(parts.clone())),
        actix_rt::spawn(store_login_counts(parts.clone())),
    ];
    if let Some(address) = settings.admin.address() {
        let limits = connection_limits::limits(settings);
        tasks.push(actix_rt::spawn(serve_admin(parts.clone(), address, limits)));
    }
    let metrics = &settings.metrics;
    if metrics.enabled {
        tasks.push(actix_rt::spawn(count_sessions(parts.clone())));
        if let Some(address) = metrics.address() {
            let path = metrics.path.clone();
            tasks.push(actix_rt::spawn(serve_metrics(parts.clone(), address, path)));
        }
    }
    match parts.event_delivery() {
        Ok(None) => {}
        Ok(Some(delivery)) => tasks.push(actix_rt::spawn(deliver_events(delivery))),
        Err(error) => log::error!("events are stored, but not delivered: {error}"),
    }
    BackgroundTasks(tasks)
}

impl Drop for BackgroundTasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Deletes expired sessions at regular intervals.
#[expect(
    clippy::disallowed_methods,
    reason = "a background task has no request that brings the time"
)]
async fn sweep_sessions(parts: Parts) {
    loop {
        match parts.sessions().sweep(Timestamp::now()).await {
            Ok(SweepOutcome::Deleted(swept)) => log::debug!("deleted {swept} expired sessions"),
            Ok(SweepOutcome::ClockImplausible { plausible }) => log::warn!(
                "expired sessions are not deleted, because the clock has jumped by more than a day since {plausible:.0}; \
                 correct the clock, or wait for a day if the server was off"
            ),
            Err(error) => log::warn!("could not delete expired sessions: {error}"),
        }
        actix_rt::time::sleep(SWEEP_INTERVAL).await;
    }
}

/// Delivers events as they are stored.
#[expect(
    clippy::disallowed_methods,
    reason = "a background task has no request that brings the time"
)]
async fn deliver_events(mut delivery: Delivery) {
    loop {
        let pause = delivery.step(Timestamp::now()).await;
        actix_rt::time::sleep(pause).await;
    }
}

/// Counts the sessions for the metrics at regular intervals.
#[expect(
    clippy::disallowed_methods,
    reason = "a background task has no request that brings the time"
)]
async fn count_sessions(parts: Parts) {
    loop {
        let start = Instant::now();
        if let Err(error) = parts.count_sessions(Timestamp::now()).await {
            log::warn!("could not count the sessions: {error}");
        }
        let pause = COUNT_INTERVAL.max(start.elapsed().saturating_mul(PAUSE_PER_COUNT));
        actix_rt::time::sleep(pause).await;
    }
}

/// Stores the numbers of logins at regular intervals.
async fn store_login_counts(parts: Parts) {
    loop {
        actix_rt::time::sleep(LOGIN_COUNT_INTERVAL).await;
        store_login_counts_now(&parts).await;
    }
}

/// Stores the numbers of logins.
#[expect(
    clippy::disallowed_methods,
    reason = "a background task has no request that brings the time"
)]
pub(crate) async fn store_login_counts_now(parts: &Parts) {
    if let Err(error) = parts.store_login_counts(Timestamp::now()).await {
        log::warn!("could not store the numbers of logins: {error}");
    }
}

/// Serves the admin API on its own port. If that fails, the server continues without it.
async fn serve_admin(parts: Parts, address: SocketAddr, limits: Limits) {
    let listener = bind_when_free(address, &ADMIN_PORT).await;
    log::info!("the admin API is served at http://{address}/admin");
    let served = async {
        let server = HttpServer::new(move || admin_app(&parts))
            .workers(1)
            .max_connections(ADMIN_CONNECTIONS)
            .limits(limits)
            .disable_signals()
            .listen(listener)?;
        server.run().await
    };
    if let Err(error) = served.await {
        log::error!("the admin API is no longer served: {error}");
    }
}

/// The settings of a port, for messages.
struct PortSettings {
    serves: &'static str,
    keys: &'static str,
    port: &'static str,
    host: &'static str,
}

const METRICS_PORT: PortSettings = PortSettings {
    serves: "metrics",
    keys: "`metrics.host` and `metrics.port`",
    port: "WEAPP_METRICS__PORT=",
    host: "WEAPP_METRICS__HOST=",
};

const ADMIN_PORT: PortSettings = PortSettings {
    serves: "the admin API",
    keys: "`admin.listen` and `admin.port`",
    port: "WEAPP_ADMIN__PORT=",
    host: "WEAPP_ADMIN__LISTEN=",
};

/// Logs at regular intervals how many connections were closed because of slow or large requests. Most of them never became a
/// request, so they have no line of their own.
async fn report_cutoffs(connections: Connections) {
    let counts = || Cutoff::ALL.map(|reason| (reason.name(), connections.cut_off(reason)));
    let mut reported = counts();
    loop {
        actix_rt::time::sleep(CUTOFF_INTERVAL).await;
        let current = counts();
        let new = current.iter().zip(&reported);
        let new = new.map(|((reason, count), (_, before))| (reason, count - before));
        let new = new.filter(|(_, count)| *count > 0);
        let new: Vec<_> = new
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        if !new.is_empty() {
            log::warn!(
                "closed connections of slow or greedy clients in the last {} seconds: {}",
                CUTOFF_INTERVAL.as_secs(),
                new.join(", ")
            );
        }
        reported = current;
    }
}

/// Serves the metrics on their own port. If that fails, the server continues without them.
async fn serve_metrics(parts: Parts, address: SocketAddr, path: String) {
    let listener = bind_when_free(address, &METRICS_PORT).await;
    log::info!("metrics are served at http://{address}{path}");
    if let Err(error) = run_metrics_server(&parts, listener).await {
        log::error!("the metrics are no longer served: {error}");
    }
}

async fn run_metrics_server(parts: &Parts, listener: TcpListener) -> io::Result<()> {
    let parts = parts.clone();
    let server = HttpServer::new(move || metrics_app(&parts))
        .workers(1)
        .max_connections(METRICS_CONNECTIONS)
        .disable_signals()
        .listen(listener)?;
    server.run().await
}

/// Binds the port, now or as soon as it is free. A port in use must not stop the server: during a rolling restart, the
/// previous process still has it.
async fn bind_when_free(address: SocketAddr, settings: &PortSettings) -> TcpListener {
    let mut warned = false;
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) if !warned => {
                warned = true;
                let PortSettings {
                    serves,
                    keys,
                    port,
                    host,
                } = settings;
                log::warn!(
                    "cannot serve {serves} on `{address}` ({keys}), and will try again each second: {}",
                    bind_failure::explain(&error, address, port, host).replace("\n  ", "; ")
                );
            }
            Err(_warned) => {}
        }
        actix_rt::time::sleep(BIND_RETRY).await;
    }
}
