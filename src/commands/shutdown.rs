//! Runs the server until a signal arrives, then shuts it down without losing a request.

use std::io;

use actix_web::dev::{Server, ServerHandle};
use sd_notify::NotifyState;
use tokio::time::timeout;
use weapp_login::Parts;
use weapp_login::settings;

use crate::commands::connections::Connections;
use crate::commands::signals::Signals;

/// Serves until the first signal, then drains connections and finishes the requests in flight. A second signal ends those
/// at once.
pub(crate) async fn run_until_signal(
    server: Server,
    settings: &settings::Server,
    parts: &Parts,
    connections: &Connections,
    mut signals: Signals,
) -> io::Result<()> {
    let handle = server.handle();
    let mut serving = actix_rt::spawn(server);
    let stop_signal = async {
        // `resume` changes nothing here, but returns only when the workers run.
        handle.resume().await;
        notify_service_manager(NotifyState::Ready);
        signals.next().await;
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
        connections.count(),
        settings.drain_seconds,
        settings.shutdown_seconds
    );
    tokio::select! {
        () = drain(settings, &handle, connections) => serving.await.map_err(io::Error::other)?,
        // The server ignores commands while it waits for requests in flight. They end with the process.
        () = signals.next() => Ok(()),
    }
}

/// Lets clients close their connections first: if the server closes one, a request may be on its way.
async fn drain(settings: &settings::Server, handle: &ServerHandle, connections: &Connections) {
    handle.pause().await;
    // A timeout is no error: the remaining connections are closed next.
    timeout(settings.drain(), connections.all_closed())
        .await
        .unwrap_or_default();
    handle.stop(true).await;
}

/// Notifies the service manager, if there is one (`NOTIFY_SOCKET`).
fn notify_service_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("could not notify the service manager: {error}");
    }
}
