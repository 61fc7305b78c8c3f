//! `weapp-login serve`: starts the server.

use std::env;
use std::path::Path;
use std::time::Duration;

use actix_web::HttpServer;
use weapp_login::settings::{Loaded, Settings};
use weapp_login::telemetry::Telemetry;
use weapp_login::{Parts, app, telemetry};
use wechat_simulator::{Options, Simulator};

use crate::commands::connections::Connections;
use crate::commands::listener::{InheritedSockets, listen};
use crate::commands::shutdown::run_until_signal;
use crate::commands::signals::Signals;
use crate::commands::{Failure, background, configuration, startup_banner};

/// Maximum idle time of a connection. The default of `server.drain_seconds` equals it, so a connection that is still open
/// when the drain ends has been idle for at least this long. Our choice, and the default of actix.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Seed of the simulator. It is constant, so the simulated users are the same after a restart.
const SIMULATOR_SEED: u64 = 1;

/// Serves until SIGTERM or Ctrl-C.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let inherited = InheritedSockets::take();
    let loaded = configuration(folder)?;
    let settings = &loaded.settings;
    let telemetry = telemetry::init(&telemetry::Options {
        level: settings.log.level,
        targets: &settings.log.targets,
        style: settings.log.style,
        profile: settings.profile,
    })
    .map_err(Failure::internal)?;
    let served = actix_rt::System::new().block_on(serve(&loaded, inherited, telemetry.clone()));
    telemetry.flush().map_err(Failure::internal)?;
    served
}

async fn serve(
    loaded: &Loaded,
    inherited: InheritedSockets,
    telemetry: Telemetry,
) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let simulator = start_simulator(settings).await?;
    // Before the store is created: a port in use leaves no files.
    let listener = listen(&settings.server, inherited)?;
    let parts = Parts::new(settings, simulator.as_ref(), no_color())
        .await
        .map_err(Failure::configuration)?;
    parts.watch_log(move || telemetry.dropped());
    let signals = Signals::listen().map_err(Failure::internal)?;
    startup_banner::print(loaded, &listener).map_err(Failure::internal)?;
    let tasks = background::start(&settings.metrics, &parts);
    let connections = Connections::default();
    let worker_parts = parts.clone();
    let server = HttpServer::new(move || app(&worker_parts))
        .workers(settings.server.worker_count())
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.server.shutdown().as_secs())
        .disable_signals()
        .on_connect(connections.on_connect())
        .listen(listener.socket)
        .map_err(Failure::internal)?
        .run();
    let outcome = run_until_signal(server, &settings.server, &parts, &connections, signals).await;
    drop(tasks);
    parts.store().close().await.map_err(Failure::internal)?;
    outcome.map_err(Failure::internal)
}

/// Starts the WeChat simulator, if no app is configured in development.
async fn start_simulator(settings: &Settings) -> Result<Option<Simulator>, Failure> {
    if !settings.simulated() {
        return Ok(None);
    }
    let simulator = Simulator::start(Options::new(SIMULATOR_SEED)).await;
    simulator.map(Some).map_err(Failure::internal)
}

/// Returns `true` if `NO_COLOR` is set. See <https://no-color.org>.
fn no_color() -> bool {
    env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
