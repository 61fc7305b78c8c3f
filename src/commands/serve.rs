//! `weapp-login serve`: how the server starts, and how it stops.
//!
//! Knows the order. Never knows what is served.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::time::timeout;
use weapp_login::settings::{Loaded, LogStyle, Server, Settings};
use weapp_login::telemetry::Telemetry;
use weapp_login::{Parts, app, telemetry};
use wechat_simulator::{Options, Simulator};

use crate::commands::connections::Connections;
use crate::commands::listener::{Inherited, Listener, listen};
use crate::commands::signals::Signals;
use crate::commands::start_block::StartBlock;
use crate::commands::{Failure, configuration, metrics};

/// How often sessions that are over are swept out. Our choice: they answer nobody anyway.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How long a connection may be silent between requests. The default of `server.drain_seconds` is made for it: what is
/// open when the drain ends has been silent for as long. Our choice, and actix's.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The simulator's seed: always the same, so that its users are the same after a restart.
const SEED: u64 = 1;

/// Serves until a signal says stop.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let inherited = Inherited::take();
    let loaded = configuration(folder)?;
    let settings = &loaded.settings;
    let telemetry = telemetry::init(&telemetry::Options {
        level: settings.log.level,
        targets: &settings.log.targets,
        style: settings.log.style,
        profile: settings.profile,
    })
    .map_err(|error| Failure::of_ours(&error))?;
    let served = actix_rt::System::new().block_on(serve(&loaded, inherited, telemetry.clone()));
    telemetry
        .flush()
        .map_err(|error| Failure::of_ours(&error))?;
    served
}

async fn serve(loaded: &Loaded, inherited: Inherited, telemetry: Telemetry) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let simulator = simulator(settings).await?;
    let listener = listen(&settings.server, inherited)?;
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let parts = Parts::new(settings, simulator.as_ref(), no_color)
        .await
        .map_err(|error| Failure::to_mend(&error))?;
    parts.watch_log(move || telemetry.dropped());
    let signals = Signals::listen().map_err(|error| Failure::of_ours(&error))?;
    announce(loaded, &listener).map_err(|error| Failure::of_ours(&error))?;
    let sweeping = actix_rt::spawn(sweep(parts.clone()));
    let measuring = actix_rt::spawn(measure(settings.clone(), parts.clone()));
    let served = run_server(&settings.server, &parts, listener.socket, signals).await;
    sweeping.abort();
    measuring.abort();
    parts
        .store()
        .close()
        .await
        .map_err(|error| Failure::of_ours(&error))?;
    served.map_err(|error| Failure::of_ours(&error))
}

/// Starts WeChat's stand-in, if the settings want one.
async fn simulator(settings: &Settings) -> Result<Option<Simulator>, Failure> {
    if !settings.simulated() {
        return Ok(None);
    }
    let started = Simulator::start(Options::new(SEED)).await;
    started.map(Some).map_err(|error| Failure::of_ours(&error))
}

fn announce(loaded: &Loaded, listener: &Listener) -> io::Result<()> {
    let mut out = io::stdout();
    let for_machines = loaded.settings.log.style == LogStyle::Json;
    let block = StartBlock {
        profile: loaded.settings.profile.name(),
        address: listener.socket.local_addr()?,
        inherited: listener.inherited,
        sources: &loaded.sources,
        database: &loaded.settings.store.file().to_string_lossy(),
        simulated: loaded.settings.simulated(),
        for_people: out.is_terminal() && !for_machines,
    };
    if for_machines {
        log::info!("{}", block.to_string().trim_end());
        return Ok(());
    }
    out.write_all(block.to_string().as_bytes())
}

/// Serves until a signal, then winds down. A second signal cuts off what is left.
async fn run_server(
    settings: &Server,
    parts: &Parts,
    listener: TcpListener,
    mut signals: Signals,
) -> io::Result<()> {
    let worker_parts = parts.clone();
    let connections = Connections::default();
    let server = HttpServer::new(move || app(&worker_parts))
        .workers(settings.worker_count())
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.shutdown().as_secs())
        .disable_signals()
        .on_connect(connections.counter())
        .listen(listener)?
        .run();
    let handle = server.handle();
    let mut serving = actix_rt::spawn(server);
    let until_told = async {
        // A command that changes nothing: it is answered once the workers run.
        handle.resume().await;
        tell_manager(NotifyState::Ready);
        signals.next().await;
    };
    tokio::select! {
        ended = &mut serving => return ended.map_err(io::Error::other)?,
        () = until_told => {}
    }
    parts.readiness().drain();
    tell_manager(NotifyState::Stopping);
    log::info!(
        "stopping: no new connections; {} are open and close with their next answer within {} seconds, then requests in \
         flight have {} seconds",
        connections.count(),
        settings.drain_seconds,
        settings.shutdown_seconds
    );
    tokio::select! {
        () = wind_down(settings, &handle, &connections) => serving.await.map_err(io::Error::other)?,
        // The server hears nothing while it waits for requests in flight; what is left ends with the process.
        () = signals.next() => Ok(()),
    }
}

/// Lets clients leave by themselves first: a connection that the server closes may have a request on its way.
async fn wind_down(settings: &Server, handle: &ServerHandle, connections: &Connections) {
    handle.pause().await;
    // Whether all have left or time is up, the rest is the same.
    timeout(settings.drain(), connections.gone())
        .await
        .unwrap_or_default();
    handle.stop(true).await;
}

/// Tells the service manager, if one listens (`NOTIFY_SOCKET`).
fn tell_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("could not tell the service manager: {error}");
    }
}

/// Serves the metrics and counts sessions, for ever. The server goes on without.
async fn measure(settings: Settings, parts: Parts) {
    if let Err(error) = metrics::run(&settings, &parts).await {
        log::error!("the metrics are not served any more: {error}");
    }
}

/// Sweeps out what is over, for ever.
#[expect(
    clippy::disallowed_methods,
    reason = "the sweep is its own occasion, no request brings a time"
)]
async fn sweep(parts: Parts) {
    loop {
        match parts.sessions().sweep(Timestamp::now()).await {
            Ok(swept) => log::debug!("swept out {swept} sessions that were over"),
            Err(error) => log::warn!("could not sweep: {error}"),
        }
        actix_rt::time::sleep(SWEEP_EVERY).await;
    }
}
