//! The HTTP server, which runs on a thread of its own and so needs no particular runtime.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::control::{self, Command};
use crate::endpoint::Endpoint;
use crate::replies::respond;
use crate::reply::{Outcome, Reply};
use crate::request_log::RecordedRequest;
use crate::state::Shared;

/// Maximum size of a body that is processed; a larger one gets an error. Our choice: what WeChat accepts is not documented.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Maximum size of a body that is received; after that the connection is closed. Our choice.
const MAX_RECEIVED_BYTES: usize = 64 * 1024 * 1024;

/// The time that an idle connection is kept open. Our choice: longer than connection pools of clients do.
const KEEP_ALIVE: Duration = Duration::from_secs(100);

/// The pause after a failed accept, for example because there are too many open files. Our choice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The time that a client may take for the TLS handshake. Our choice.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A port to serve on, with or without TLS.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) acceptor: Option<TlsAcceptor>,
}

/// A running server. Dropping it stops it.
pub(crate) struct Server {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Server {
    /// Starts to serve on the ports.
    pub(crate) async fn start(ports: Vec<Port>, shared: Arc<Shared>) -> io::Result<Self> {
        for port in &ports {
            port.listener.set_nonblocking(true)?;
        }
        let (started, is_started) = oneshot::channel();
        let (stop, should_stop) = oneshot::channel();
        let (end, stopped) = oneshot::channel();
        thread::Builder::new()
            .name("wechat-simulator".to_owned())
            .spawn(move || {
                run(ports, &shared, started, should_stop);
                drop(end);
            })?;
        is_started.await.map_err(io::Error::other)??;
        Ok(Self { stop, stopped })
    }

    /// Stops the server. The port is free when this returns.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        // Nothing is sent: the channel ends with the thread.
        self.stopped.await.unwrap_or_default();
    }
}

fn run(
    ports: Vec<Port>,
    shared: &Arc<Shared>,
    started: oneshot::Sender<io::Result<()>>,
    should_stop: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let listening = runtime.and_then(|runtime| {
        let _context = runtime.enter();
        for port in ports {
            let listener = tokio::net::TcpListener::from_std(port.listener)?;
            runtime.spawn(accept(listener, port.acceptor, Arc::clone(shared)));
        }
        Ok(runtime)
    });
    let (result, runtime) = match listening {
        Ok(runtime) => (Ok(()), Some(runtime)),
        Err(error) => (Err(error), None),
    };
    // If the start was cancelled, there is no handle to stop the server with.
    if started.send(result).is_err() {
        return;
    }
    if let Some(runtime) = runtime {
        // Dropping the runtime closes the listener and all connections.
        runtime.block_on(should_stop).unwrap_or_default();
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve_connection(stream, acceptor.clone(), Arc::clone(&shared));
                drop(tokio::spawn(connection));
            }
            Err(error) => {
                log::error!("the WeChat simulator cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let client = stream.peer_addr().ok().map(|address| address.ip());
    // A second handle of the socket, to reset the connection.
    let socket = SockRef::from(&stream).try_clone().ok();
    let Some(acceptor) = acceptor else {
        return serve_stream(stream, client, socket.as_ref(), &shared).await;
    };
    match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve_stream(stream, client, socket.as_ref(), &shared).await,
        Ok(Err(error)) => log::warn!(
            "a client does not accept the WeChat simulator's certificate, or sent no TLS: {error}"
        ),
        Err(elapsed) => log::debug!("a TLS handshake took too long: {elapsed}"),
    }
}

async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    client: Option<IpAddr>,
    socket: Option<&Socket>,
    shared: &Arc<Shared>,
) {
    let service = service_fn(|request| {
        let shared = Arc::clone(shared);
        async move {
            let closes = closes_connection(&request);
            match serve(&shared, request, client).await {
                Outcome::Reply(reply) => Ok(response(reply, closes)),
                Outcome::Silence => std::future::pending().await,
                Outcome::Reset => {
                    let reset = socket.map(|socket| socket.set_linger(Some(Duration::ZERO)));
                    if let Some(Err(error)) = reset {
                        log::error!(
                            "the WeChat simulator cannot reset a connection, and closes it instead: {error}"
                        );
                    }
                    Err(io::Error::other(
                        "the connection is reset because of a fault",
                    ))
                }
            }
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        log::debug!("a connection to the WeChat simulator ended: {error}");
    }
}

async fn serve(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
    client: Option<IpAddr>,
) -> Outcome {
    let (head, body) = request.into_parts();
    let (method, path) = (head.method.as_str(), head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    let Some(body) = read(body).await else {
        return Outcome::Reset;
    };
    if control::is_control_path(path) {
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
        let command = Command {
            method,
            path,
            query,
            body: body.as_deref(),
        };
        return Outcome::Reply(control::respond_to_browser(shared, headers, &command).await);
    }
    let request = RecordedRequest {
        endpoint: Endpoint::at(path),
        method: method.to_owned(),
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        is_too_large: body.is_none(),
        body: body.unwrap_or_default(),
        client,
    };
    respond(shared, &request).await
}

/// Reads a body. Returns `Some(None)` if it is larger than [`MAX_BODY_BYTES`], and `None` if it is not complete.
async fn read(mut body: Incoming) -> Option<Option<Vec<u8>>> {
    let (mut received, mut kept) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        let data = frame.ok()?.into_data().unwrap_or_default();
        received += data.len();
        if received <= MAX_BODY_BYTES {
            kept.extend_from_slice(&data);
        } else if received > MAX_RECEIVED_BYTES {
            break;
        }
    }
    Some((received <= MAX_BODY_BYTES).then_some(kept))
}

fn closes_connection<B>(request: &Request<B>) -> bool {
    let connection = request.headers().get(CONNECTION);
    let has = |word: &str| {
        let value = connection.and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    if request.version() == Version::HTTP_10 {
        !has("keep-alive")
    } else {
        has("close")
    }
}

fn response(reply: Reply, closes: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let connection = if closes { "close" } else { "keep-alive" };
    let headers = reply.headers.into_iter();
    for (name, value) in headers.chain([("connection", connection.to_owned())]) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, value);
        }
    }
    response
}
