//! The simulator on its socket: requests in, answers or faults out.
//!
//! Knows HTTP, and whom a path is for.
//! Never knows what a parameter means, what the answer says, or how a fault is carried out.
//!
//! The server has a thread of its own, so it lives as well in a runtime that blocks or ends.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::StatusCode;
use actix_web::http::header::ALLOW;
use actix_web::web::{self, Bytes, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::json;
use tokio::sync::oneshot;

use super::asked::RecordedRequest;
use super::control::{self, Order};
use super::endpoint::Endpoint;
use super::misbehaviour::{keep_socket, misbehave, plain};
use super::state::State;

/// How many bytes of a body are read; a longer one is answered 413. Our choice: ten times what any endpoint needs.
const MOST_BODY_BYTES: usize = 16 * 1024;

/// How long an idle connection is kept, in real time. Our choice: longer than a client's pool keeps it.
const KEEP_ALIVE: Duration = Duration::from_secs(100);

/// Starts to answer on the listener, on a thread of its own.
pub(super) async fn start(listener: TcpListener, state: Arc<State>) -> io::Result<ServerHandle> {
    let state = web::Data::from(state);
    let app = move || {
        App::new()
            .app_data(state.clone())
            .app_data(PayloadConfig::new(MOST_BODY_BYTES))
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
    let (started, starting) = oneshot::channel();
    thread::Builder::new()
        .name("wechat-simulator".to_owned())
        .spawn(move || run(server, started))?;
    starting.await.map_err(io::Error::other)??;
    Ok(handle)
}

fn run(server: Server, started: oneshot::Sender<io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let (report, runtime) = match runtime {
        Ok(runtime) => (Ok(()), Some(runtime)),
        Err(error) => (Err(error), None),
    };
    // Nobody hears it if the start was given up; then the handle is gone too, and the server ends.
    if started.send(report).is_err() {
        return;
    }
    if let Some(Err(error)) = runtime.map(|runtime| runtime.block_on(server)) {
        log::error!("the WeChat simulator has failed: {error}");
    }
}

async fn serve(state: web::Data<State>, request: HttpRequest, body: Bytes) -> HttpResponse {
    if control::is_at(request.path()) {
        return follow(&state, &request, &body);
    }
    let asked = read(&request, &body);
    state.record().push(asked.clone());
    let fault = asked
        .endpoint
        .and_then(|endpoint| state.faults().take(endpoint));
    match fault {
        None => plain(&state.answer(&asked)),
        Some(fault) => misbehave(fault, &state, &asked, &request).await,
    }
}

/// Does what the control API is told.
fn follow(state: &State, request: &HttpRequest, body: &[u8]) -> HttpResponse {
    let order = Order::new(
        request.method().as_str(),
        request.path(),
        query(request),
        body,
    );
    match order.and_then(|order| control::answer(state, &order)) {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(complaint) => {
            let status = StatusCode::from_u16(complaint.status).unwrap_or(StatusCode::BAD_REQUEST);
            let mut response = HttpResponse::build(status);
            if let Some(allow) = complaint.allow {
                response.insert_header((ALLOW, allow));
            }
            response.json(json!({"error": complaint.message}))
        }
    }
}

fn query(request: &HttpRequest) -> Vec<(String, String)> {
    let query = web::Query::from_query(request.query_string());
    query.map(web::Query::into_inner).unwrap_or_default()
}

fn read(request: &HttpRequest, body: &[u8]) -> RecordedRequest {
    RecordedRequest {
        endpoint: Endpoint::at(request.path()),
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: query(request),
        body: body.to_vec(),
        caller: request.peer_addr().map(|peer| peer.ip()),
    }
}
