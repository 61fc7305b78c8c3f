//! The simulator on its socket: requests in, answers or faults out.
//!
//! Knows HTTP, how WeChat wraps an answer (200, `text/plain`, a rid), and how to carry out a fault.
//! Never knows what a parameter means, or what the answer says.
//!
//! The server has a thread of its own, so it lives as well in a runtime that blocks or ends.

use std::any::Any;
use std::future::{pending, ready};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::sleep;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::stream;
use serde_json::Value;
use socket2::{SockRef, Socket};
use tokio::sync::oneshot;

use super::asked::{Asked, Endpoint, Record};
use super::clock::Clock;
use super::code2session;
use super::faults::{Fault, Faults};
use super::refusal::{self, GET_REQUIRED, INVALID_URL, Refusal};
use super::world::World;

/// How long an idle connection is kept, in real time. Our choice: longer than a client's pool keeps it.
const KEEP_ALIVE: Duration = Duration::from_secs(100);

/// What the server's requests and the test share.
pub(super) struct State {
    pub(super) clock: Clock,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    record: Mutex<Record>,
}

impl State {
    pub(super) fn new(clock: Clock, world: World) -> Self {
        Self {
            clock,
            world: Mutex::new(world),
            faults: Mutex::default(),
            record: Mutex::default(),
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Does what was asked, and says so in WeChat's way.
    fn answer(&self, asked: &Asked) -> HttpResponse {
        let now = self.clock.now();
        let mut world = self.world();
        let answer = match asked.endpoint {
            None => Err(INVALID_URL),
            Some(Endpoint::Code2Session) if asked.method != Method::GET.as_str() => {
                Err(GET_REQUIRED)
            }
            Some(Endpoint::Code2Session) => code2session::answer(&mut world, asked, now),
        };
        drop(world);
        match answer {
            Ok(success) => plain(&success),
            Err(Refusal { errcode, errmsg }) => self.refuse(errcode, errmsg),
        }
    }

    fn refuse(&self, errcode: i64, errmsg: &str) -> HttpResponse {
        let rid = self.world().rid(self.clock.now());
        plain(&refusal::body(errcode, errmsg, &rid))
    }
}

/// Starts to answer on the listener, on a thread of its own.
pub(super) async fn start(listener: TcpListener, state: Arc<State>) -> io::Result<ServerHandle> {
    let state = web::Data::from(state);
    let app = move || {
        App::new()
            .app_data(state.clone())
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

async fn serve(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let asked = read(&request);
    state.record().push(asked.clone());
    let fault = asked
        .endpoint
        .and_then(|endpoint| state.faults().take(endpoint));
    match fault {
        None => state.answer(&asked),
        Some(fault) => misbehave(fault, &state, &asked, &request).await,
    }
}

fn read(request: &HttpRequest) -> Asked {
    let query = web::Query::from_query(request.query_string());
    Asked {
        endpoint: Endpoint::at(request.path()),
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: query.map(web::Query::into_inner).unwrap_or_default(),
    }
}

async fn misbehave(
    fault: Fault,
    state: &State,
    asked: &Asked,
    request: &HttpRequest,
) -> HttpResponse {
    match fault {
        Fault::Raw {
            status,
            content_type,
            body,
        } => HttpResponse::build(status)
            .insert_header((CONTENT_TYPE, content_type))
            .body(body),
        Fault::Refuse { errcode, errmsg } => state.refuse(errcode, &errmsg),
        Fault::Delay(by) => {
            let answer = state.answer(asked);
            sleep(by).await;
            answer
        }
        Fault::Silence => pending().await,
        Fault::ResetBefore => reset(request),
        Fault::ResetAfter => {
            drop(state.answer(asked));
            reset(request)
        }
        Fault::Redirect(location) => HttpResponse::build(StatusCode::FOUND)
            .insert_header((LOCATION, location))
            .finish(),
    }
}

/// An answer as WeChat wraps it: 200 whatever it says, and `text/plain` although it is JSON.
fn plain(body: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain"))
        .body(body.to_string())
}

/// Keeps a second handle on the connection's socket, by which [`reset`] reaches it.
fn keep_socket(connection: &dyn Any, kept: &mut Extensions) {
    let stream = connection.downcast_ref::<TcpStream>();
    if let Some(Ok(socket)) = stream.map(|stream| SockRef::from(stream).try_clone()) {
        kept.insert(socket);
    }
}

/// Resets the request's connection without a byte of an answer.
///
/// With a linger time of zero, to close is to reset; and actix closes, before it has sent the head, when a body fails.
fn reset(request: &HttpRequest) -> HttpResponse {
    let socket = request.conn_data::<Socket>();
    if let Some(Err(error)) = socket.map(|socket| socket.set_linger(Some(Duration::ZERO))) {
        log::error!("the WeChat simulator closes a connection that it cannot reset: {error}");
    }
    let failure = io::Error::other("the WeChat simulator resets this connection, as ordered");
    HttpResponse::Ok().streaming(stream::once(ready(Err::<Bytes, _>(failure))))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
