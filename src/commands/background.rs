//! Tasks that run next to the server: the session sweep, the session count and the metrics port.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use actix_guarded_server::HttpServer;
use actix_rt::task::JoinHandle;
use jiff::Timestamp;
use weapp_login::sessions::SweepOutcome;
use weapp_login::settings::Metrics;
use weapp_login::{Parts, metrics_app};

use crate::commands::bind_failure;

/// Interval between two sweeps. Our choice: an expired session is rejected whether it was swept or not.
const SWEEP_INTERVAL: Duration = Duration::from_mins(10);

/// Minimum pause between two session counts. Our choice: a graph of a day shows no finer detail.
const COUNT_INTERVAL: Duration = Duration::from_mins(1);

/// Minimum pause after a session count, as a multiple of the time that the count took. It bounds the cost to a hundredth of
/// one core, no matter how many sessions exist. Our choice.
const PAUSE_PER_COUNT: u32 = 100;

/// Pause before the metrics port is tried again while another process uses it.
const BIND_RETRY: Duration = Duration::from_secs(1);

/// Maximum number of connections to the metrics port. Our choice: a Prometheus server needs one.
const METRICS_CONNECTIONS: usize = 64;

/// Running background tasks. They stop when this is dropped.
pub(crate) struct BackgroundTasks(Vec<JoinHandle<()>>);

/// Starts the background tasks that the settings call for.
pub(crate) fn start(metrics: &Metrics, parts: &Parts) -> BackgroundTasks {
    let mut tasks = vec![actix_rt::spawn(sweep_sessions(parts.clone()))];
    if metrics.enabled {
        tasks.push(actix_rt::spawn(count_sessions(parts.clone())));
        if let Some(address) = metrics.address() {
            let path = metrics.path.clone();
            tasks.push(actix_rt::spawn(serve_metrics(parts.clone(), address, path)));
        }
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

/// Serves the metrics on their own port. If that fails, the server continues without them.
async fn serve_metrics(parts: Parts, address: SocketAddr, path: String) {
    let listener = bind_when_free(address).await;
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
async fn bind_when_free(address: SocketAddr) -> TcpListener {
    let mut warned = false;
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) if !warned => {
                warned = true;
                let (port, host) = ("WEAPP_METRICS__PORT=", "WEAPP_METRICS__HOST=");
                log::warn!(
                    "cannot serve metrics on `{address}` (`metrics.host` and `metrics.port`), and will try again each second: \
                     {}",
                    bind_failure::explain(&error, address, port, host).replace("\n  ", "; ")
                );
            }
            Err(_warned) => {}
        }
        actix_rt::time::sleep(BIND_RETRY).await;
    }
}
