//! The process: settings, telemetry, the parts, and the server that runs the App.

mod commands;

use std::path::Path;
use std::process::ExitCode;

use actix_guarded_server::HttpServer;
use clap::Parser as _;
use mimalloc::MiMalloc;
use weapp_login::settings::Loaded;
use weapp_login::telemetry::{self, Telemetry};
use weapp_login::{Parts, app};

use commands::command_line::{CommandLine, Config, Subcommand};
use commands::connection_limits;
use commands::listener::{InheritedSockets, listen};
use commands::process::Process;
use commands::{Failure, configuration, output_failure, simulator};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let CommandLine { config, command } = CommandLine::parse();
    let folder = config.as_deref();
    let outcome = match command.unwrap_or(Subcommand::Serve) {
        Subcommand::Serve => serve(folder),
        Subcommand::Healthcheck => commands::healthcheck::run(folder),
        Subcommand::Config(Config::Check) => commands::check_config::run(folder),
        Subcommand::Sessions(command) => commands::sessions::run(command, folder),
        Subcommand::Users(command) => commands::users::run(command, folder),
        Subcommand::Store(command) => commands::store::run(command, folder),
        Subcommand::Openapi { admin } => commands::openapi::run(admin),
        Subcommand::Explain { errcode, lang } => {
            commands::explain::run(errcode.as_deref(), commands::language(lang.as_deref()))
        }
        Subcommand::Simulate(arguments) => commands::simulate::run(arguments),
    };
    outcome.map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}

/// Serves until SIGTERM or Ctrl-C.
fn serve(folder: Option<&Path>) -> Result<(), Failure> {
    let inherited = InheritedSockets::take();
    let loaded = configuration(folder)?;
    let telemetry =
        telemetry::init(&telemetry::Options::from(&loaded.settings)).map_err(Failure::internal)?;
    let served =
        actix_rt::System::new().block_on(run(&loaded, folder, inherited, telemetry.clone()));
    telemetry.flush().map_err(|error| output_failure(&error))?;
    served
}

async fn run(
    loaded: &Loaded,
    folder: Option<&Path>,
    inherited: InheritedSockets,
    telemetry: Telemetry,
) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let simulator = simulator::start(settings).await?;
    // Before the store is created, so that a port in use leaves no files.
    let listeners = listen(&settings.server, inherited)?;
    let no_color = commands::no_color();
    let parts = Parts::new(settings, simulator.as_ref(), no_color).await;
    let parts = parts.map_err(Failure::configuration)?;
    parts.watch_log(move || telemetry.dropped());
    let folder = folder.map(Path::to_owned);
    if let Some(console) = parts.console() {
        console.check_settings_with(move || {
            commands::check_config::check(folder.as_deref()).map_err(Failure::into_message)
        });
    }
    let process = Process::start(loaded, &listeners, &parts)?;
    let worker_parts = parts.clone();
    let server = HttpServer::new(move || app(&worker_parts))
        .workers(settings.server.worker_count())
        .max_connections(connection_limits::per_worker(&settings.server))
        .limits(connection_limits::limits(settings))
        .connections(process.connections.clone())
        .shutdown_timeout(settings.server.shutdown())
        .disable_signals()
        .listen_all(listeners.sockets)
        .map_err(Failure::internal)?
        .run();
    process
        .run_until_signal(server, &settings.server, &parts)
        .await
}
