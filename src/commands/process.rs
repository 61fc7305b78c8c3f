//! The running server process: signals, background tasks, and a shutdown that loses no request.

use std::io;
use std::time::Duration;

use actix_guarded_server::Connections;
use actix_web::dev::{Server, ServerHandle};
use sd_notify::NotifyState;
use tokio::time::{sleep, timeout};
use weapp_login::Parts;
use weapp_login::settings::{self, Loaded};

use crate::commands::background::{self, BackgroundTasks};
use crate::commands::listener::Listeners;
use crate::commands::signals::Signals;
use crate::commands::{Failure, environment_proxy, is_set, output_failure, startup_banner};

/// Interval at which the number of open connections is polled, and the number of consecutive zeros that mean that all are closed.
/// A connection that was accepted just before the listener paused is not counted until a worker takes it up. Our choice:
/// half a second in total.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const ZEROS_IN_A_ROW: u8 = 5;

/// A running server process.
pub(crate) struct Process {
    signals: Signals,
    tasks: BackgroundTasks,
    /// The open connections.
    pub(crate) connections: Connections,
}

impl Process {
    /// Registers the signal handlers, prints the banner and starts the background tasks.
    pub(crate) fn start(
        loaded: &Loaded,
        listeners: &Listeners,
        parts: &Parts,
    ) -> Result<Self, Failure> {
        let signals = Signals::listen().map_err(Failure::internal)?;
        if let Err(error) = startup_banner::print(loaded, listeners, parts) {
            // Logins matter more than the banner, and the log continues as soon as it can be written.
            output_failure(&error).report();
        }
        environment_proxy::log_if_ignored(&loaded.settings);
        let connections = Connections::default();
        parts.watch_connections(&connections);
        Ok(Self {
            signals,
            tasks: background::start(&loaded.settings, parts, &connections),
            connections,
        })
    }

    /// Serves until the first signal, then drains connections, finishes the requests in flight and closes the store. A
    /// second signal ends the requests at once.
    pub(crate) async fn run_until_signal(
        mut self,
        server: Server,
        settings: &settings::Server,
        parts: &Parts,
    ) -> Result<(), Failure> {
        let outcome = self.serve(server, settings, parts).await;
        drop(self.tasks);
        background::store_login_counts_now(parts).await;
        parts.store().close().await.map_err(Failure::internal)?;
        outcome.map_err(Failure::internal)
    }

    async fn serve(
        &mut self,
        server: Server,
        settings: &settings::Server,
        parts: &Parts,
    ) -> io::Result<()> {
        let handle = server.handle();
        let mut serving = actix_rt::spawn(server);
        let stop_signal = async {
            // `resume` changes nothing here, but returns only when the workers run.
            handle.resume().await;
            notify_service_manager(NotifyState::Ready);
            self.signals.next().await;
        };
        tokio::select! {
            ended = &mut serving => return ended.map_err(io::Error::other)?,
            () = stop_signal => {}
        }
        parts.readiness().drain();
        notify_service_manager(NotifyState::Stopping);
        log::info!(
            "stopping: no new connections are accepted; {} open connections close with their next response within {} seconds, \
             then requests in flight have {} seconds to finish",
            self.connections.open(),
            settings.drain_seconds,
            settings.shutdown_seconds
        );
        tokio::select! {
            () = drain(settings, &handle, &self.connections) => serving.await.map_err(io::Error::other)?,
            // The server ignores commands while it waits for requests in flight. They end with the process.
            () = self.signals.next() => Ok(()),
        }
    }
}

/// Lets clients close their connections first: if the server closes one, a request may be on its way.
async fn drain(settings: &settings::Server, handle: &ServerHandle, connections: &Connections) {
    handle.pause().await;
    // A timeout is no error: the remaining connections are closed next.
    timeout(settings.drain(), all_closed(connections))
        .await
        .unwrap_or_default();
    handle.stop(true).await;
}

/// Waits until all connections are closed.
async fn all_closed(connections: &Connections) {
    let mut zeros = 0;
    while zeros < ZEROS_IN_A_ROW {
        sleep(POLL_INTERVAL).await;
        zeros = if connections.open() == 0 {
            zeros + 1
        } else {
            0
        };
    }
}

/// Notifies the service manager, if there is one (`NOTIFY_SOCKET`).
fn notify_service_manager(state: NotifyState<'_>) {
    if is_set("NOTIFY_SOCKET")
        && let Err(error) = sd_notify::notify(&[state])
    {
        log::warn!("could not notify the service manager: {error}");
    }
}
