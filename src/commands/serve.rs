//! `weapp-login serve`: how the server starts, and how it stops.
//!
//! Knows the order. Never knows what is served.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::HttpServer;
use jiff::Timestamp;
use socket2::{Domain, Socket, Type};
use weapp_login::settings::{Loaded, Settings};
use weapp_login::simulator::{Options, Simulator};
use weapp_login::{Parts, app, telemetry};

use crate::commands::signals::Signals;
use crate::commands::start_block::StartBlock;
use crate::commands::{Failure, configuration};

/// How often sessions that are over are swept out. Our choice: they answer nobody anyway.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How many connections may wait to be accepted: what actix takes where it binds by itself.
const BACKLOG: i32 = 2048;

/// The simulator's seed: always the same, so that its users are the same after a restart.
const SEED: u64 = 1;

/// Serves until a signal says stop.
pub(crate) fn run() -> Result<(), Failure> {
    let loaded = configuration()?;
    let settings = &loaded.settings;
    let telemetry = telemetry::init(&telemetry::Options {
        level: settings.log.level,
        targets: &settings.log.targets,
        style: settings.log.style,
        profile: settings.profile,
    })
    .map_err(|error| Failure::of_ours(&error))?;
    let served = actix_rt::System::new().block_on(serve(&loaded));
    telemetry
        .flush()
        .map_err(|error| Failure::of_ours(&error))?;
    served
}

async fn serve(loaded: &Loaded) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let simulator = simulator(settings).await?;
    let listener = listen(settings)?;
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let parts = Parts::new(settings, simulator.as_ref(), no_color)
        .map_err(|error| Failure::to_mend(&error))?;
    let signals = Signals::listen().map_err(|error| Failure::of_ours(&error))?;
    announce(loaded, &listener).map_err(|error| Failure::of_ours(&error))?;
    let sweeping = actix_rt::spawn(sweep(parts.clone()));
    let served = run_server(settings, &parts, listener, signals).await;
    sweeping.abort();
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

/// Takes the port.
fn listen(settings: &Settings) -> Result<TcpListener, Failure> {
    let address = settings.server.address();
    bind(address).map_err(|error| {
        let kind = error.kind();
        let what = if kind == io::ErrorKind::AddrInUse {
            "another process listens there already".to_owned()
        } else {
            error.to_string()
        };
        Failure::message(format!(
            "cannot listen on `{address}` (`server.host` and `server.port`): {what}\n  \
             hint: stop that process, or choose another port, as in WEAPP_SERVER__PORT={}",
            address.port().checked_add(1).unwrap_or(3000)
        ))
    })
}

/// As the standard library binds, but with room for a burst of connections: its queue holds 128.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn announce(loaded: &Loaded, listener: &TcpListener) -> io::Result<()> {
    let mut out = io::stdout();
    let block = StartBlock {
        profile: loaded.settings.profile.name(),
        address: listener.local_addr()?,
        sources: &loaded.sources,
        database: &loaded.settings.store.file().to_string_lossy(),
        simulated: loaded.settings.simulated(),
        for_people: out.is_terminal(),
    };
    out.write_all(block.to_string().as_bytes())
}

/// Serves until a signal, then lets requests in flight finish. A second signal cuts them off.
async fn run_server(
    settings: &Settings,
    parts: &Parts,
    listener: TcpListener,
    mut signals: Signals,
) -> io::Result<()> {
    let worker_parts = parts.clone();
    let server = HttpServer::new(move || app(&worker_parts))
        .workers(settings.server.worker_count())
        .shutdown_timeout(settings.server.shutdown().as_secs())
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    let mut serving = actix_rt::spawn(server);
    tokio::select! {
        ended = &mut serving => return ended.map_err(io::Error::other)?,
        () = signals.next() => {}
    }
    log::info!(
        "stopping; requests in flight have {} seconds",
        settings.server.shutdown_seconds
    );
    parts.readiness().drain();
    tokio::select! {
        () = handle.stop(true) => serving.await.map_err(io::Error::other)?,
        // The server hears nothing while it waits for requests in flight; what is left ends with the process.
        () = signals.next() => Ok(()),
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
