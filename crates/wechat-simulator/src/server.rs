//! The HTTP server, which runs on a thread of its own and so needs no particular runtime.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::{self, Bytes, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use tokio::sync::oneshot;

use crate::control;
use crate::endpoint::Endpoint;
use crate::replies::{keep_socket, respond, respond_with_fault};
use crate::request_log::RecordedRequest;
use crate::state::Shared;

/// Maximum size of a body; larger ones get status 413. Our choice: ten times what any endpoint needs.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The time that an idle connection is kept open. Our choice: longer than connection pools of clients do.
const KEEP_ALIVE: Duration = Duration::from_secs(100);

/// Starts to serve on the listener.
pub(crate) async fn start(listener: TcpListener, shared: Arc<Shared>) -> io::Result<ServerHandle> {
    let shared = web::Data::from(shared);
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .app_data(PayloadConfig::new(MAX_BODY_BYTES))
            .default_service(web::to(serve))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .keep_alive(KEEP_ALIVE)
        .on_connect(keep_socket)
        .listen(listener)?
        .run();
    let handle = server.handle();
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new()
        .name("wechat-simulator".to_owned())
        .spawn(move || run(server, sender))?;
    receiver.await.map_err(io::Error::other)??;
    Ok(handle)
}

fn run(server: Server, started: oneshot::Sender<io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let (result, runtime) = match runtime {
        Ok(runtime) => (Ok(()), Some(runtime)),
        Err(error) => (Err(error), None),
    };
    // If the start was cancelled, there is no handle to stop the server with.
    if started.send(result).is_err() {
        return;
    }
    if let Some(Err(error)) = runtime.map(|runtime| runtime.block_on(server)) {
        log::error!("the WeChat simulator failed: {error}");
    }
}

async fn serve(shared: web::Data<Shared>, http: HttpRequest, body: Bytes) -> HttpResponse {
    let query = web::Query::from_query(http.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    if control::is_control_path(http.path()) {
        return control::respond(&shared.into_inner(), &http, query, body);
    }
    let request = RecordedRequest {
        endpoint: Endpoint::at(http.path()),
        method: http.method().to_string(),
        path: http.path().to_owned(),
        query,
        body: body.to_vec(),
        client: http.peer_addr().map(|address| address.ip()),
    };
    let fault = {
        let mut state = shared.lock();
        state.requests.push(request.clone());
        let endpoint = request.endpoint;
        endpoint.and_then(|endpoint| state.faults.take(endpoint))
    };
    match fault {
        None => respond(&shared, &request),
        Some(fault) => respond_with_fault(fault, &shared, &request, &http).await,
    }
}
