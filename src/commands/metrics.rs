//! What runs beside the server for the metrics: their own port, and the count of sessions.
//!
//! Knows when. Never knows what is counted otherwise.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use actix_web::HttpServer;
use jiff::Timestamp;
use weapp_login::settings::Settings;
use weapp_login::{Parts, metrics_app};

/// How often sessions are counted at most. Our choice: no graph of a day shows less.
const COUNT_EVERY: Duration = Duration::from_mins(1);

/// How much longer than a count the pause after it is at least: counting takes a hundredth of one core at most, however many
/// sessions there are. Our choice.
const PAUSE_PER_COUNT: u32 = 100;

/// How long until the port is tried again, if another process has it.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Runs for ever, if the settings want metrics.
pub(crate) async fn run(settings: &Settings, parts: &Parts) -> io::Result<()> {
    let metrics = &settings.metrics;
    if !metrics.enabled {
        return Ok(());
    }
    let serving = async {
        match metrics.address() {
            Some(address) => serve(parts, address, &metrics.path).await,
            None => pending().await,
        }
    };
    tokio::select! {
        served = serving => served,
        () = count_sessions(parts) => Ok(()),
    }
}

/// Serves the metrics on a port of their own.
async fn serve(parts: &Parts, address: SocketAddr, path: &str) -> io::Result<()> {
    let listener = listen(address).await;
    log::info!("metrics are at http://{address}{path}");
    let parts = parts.clone();
    let server = HttpServer::new(move || metrics_app(&parts))
        .workers(1)
        .disable_signals()
        .listen(listener)?;
    server.run().await
}

/// Takes the port, now or when it is free: it is no reason not to serve, and while one process takes over from another, the
/// other has it still.
async fn listen(address: SocketAddr) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) if !is_told => {
                is_told = true;
                log::warn!(
                    "cannot serve metrics on `{address}` (`metrics.host` and `metrics.port`) until it is free: {error}"
                );
            }
            Err(_told) => {}
        }
        actix_rt::time::sleep(TRY_AGAIN).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the count is its own occasion, no request brings a time"
)]
async fn count_sessions(parts: &Parts) {
    loop {
        let start = Instant::now();
        if let Err(error) = parts.count_sessions(Timestamp::now()).await {
            log::warn!("could not count the sessions: {error}");
        }
        let pause = COUNT_EVERY.max(start.elapsed().saturating_mul(PAUSE_PER_COUNT));
        actix_rt::time::sleep(pause).await;
    }
}
