//! The server.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::time::Duration;

use actix_http::header::HeaderValue;
use actix_http::{HttpService, KeepAlive, Request, Response};
use actix_rt::net::{TcpStream, UnixStream};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::connections::Connections;
use crate::limits::Limits;
use crate::service::Guarded;
use crate::stream::GuardedStream;

/// Bytes of a reply that are written at once. A client that does not read keeps as many in memory.
const WRITE_BUFFER: usize = 2 * 1024;
/// Size of a socket's send buffer, which the kernel doubles. It is enough for a reply of an API, and keeps the replies to clients
/// that do not read out of the kernel's memory.
const SEND_BUFFER: usize = 32 * 1024;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// An HTTP/1 server for an App, as `actix_web::HttpServer`, with [`Limits`].
#[must_use]
pub struct HttpServer<F, I, S, B> {
    factory: F,
    builder: ServerBuilder,
    limits: Limits,
    connections: Connections,
    signal: GracefulShutdownSignal,
    app: PhantomData<(I, S, B)>,
}

impl<F, I, S, B> HttpServer<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Future: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    /// Creates a server. Each worker calls `factory` once per listener.
    pub fn new(factory: F) -> Self {
        let builder = ServerBuilder::default();
        Self {
            signal: builder.graceful_shutdown_signal(),
            factory,
            builder,
            limits: Limits::default(),
            connections: Connections::default(),
            app: PhantomData,
        }
    }

    /// Sets the number of workers.
    pub fn workers(mut self, workers: usize) -> Self {
        self.builder = self.builder.workers(workers);
        self
    }

    /// Sets the maximum number of connections per worker. At the limit, new connections wait to be accepted.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.builder = self.builder.max_concurrent_connections(connections);
        self
    }

    /// Sets the time that requests have to finish after [`ServerHandle::stop`](actix_web::dev::ServerHandle::stop).
    pub fn shutdown_timeout(mut self, time: Duration) -> Self {
        self.builder = self.builder.shutdown_timeout(time.as_secs());
        self
    }

    /// Does not stop at SIGINT, SIGTERM and SIGQUIT.
    pub fn disable_signals(mut self) -> Self {
        self.builder = self.builder.disable_signals();
        self
    }

    /// Sets the limits. Must be called before `listen`.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the counts that the connections are added to. Must be called before `listen`.
    pub fn connections(mut self, connections: Connections) -> Self {
        self.connections = connections;
        self
    }

    /// Serves a listener.
    ///
    /// # Errors
    /// The error of the socket, if it cannot be used.
    pub fn listen(mut self, listener: TcpListener) -> io::Result<Self> {
        // Accepted sockets inherit it.
        SockRef::from(&listener).set_send_buffer_size(SEND_BUFFER)?;
        let address = listener.local_addr()?;
        let service = self.service(|stream: &TcpStream| {
            stream.set_nodelay(true).unwrap_or_default();
            stream.peer_addr().ok()
        });
        self.builder = self
            .builder
            .listen(address.to_string(), listener, service)?;
        Ok(self)
    }

    /// Serves a listener on a Unix socket. Its requests have no peer address.
    ///
    /// # Errors
    /// The error of the socket, if it cannot be used.
    pub fn listen_uds(mut self, listener: UnixListener) -> io::Result<Self> {
        SockRef::from(&listener).set_send_buffer_size(SEND_BUFFER)?;
        let service = self.service(|_: &UnixStream| None);
        self.builder = self.builder.listen_uds("unix", listener, service)?;
        Ok(self)
    }

    /// Serves several listeners.
    ///
    /// # Errors
    /// The error of the first socket that cannot be used.
    pub fn listen_all(self, listeners: impl IntoIterator<Item = Listener>) -> io::Result<Self> {
        let mut listeners = listeners.into_iter();
        listeners.try_fold(self, |server, listener| match listener {
            Listener::Tcp(listener) => server.listen(listener),
            Listener::Unix(listener) => server.listen_uds(listener),
        })
    }

    /// Starts the server.
    ///
    /// # Panics
    /// If there is no listener.
    pub fn run(self) -> Server {
        self.builder.run()
    }

    /// Returns the factory of a worker's service for one listener.
    fn service<T: AsyncRead + AsyncWrite + Unpin + 'static>(
        &self,
        peer: fn(&T) -> Option<SocketAddr>,
    ) -> impl Fn() -> Streams<T> + Send + Clone + 'static {
        let (limits, connections) = (self.limits, self.connections.clone());
        let (factory, signal) = (self.factory.clone(), self.signal.clone());
        move || {
            let (connections, signal) = (connections.clone(), signal.clone());
            let app = factory().into_factory();
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let signal = signal.clone();
                    async move { signal.notified().await }
                })
                // The stream has the deadlines.
                .keep_alive(KeepAlive::Os)
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(Duration::from_secs(1))
                .h1_write_buffer_size(WRITE_BUFFER)
                .on_connect_ext(
                    |stream: &GuardedStream<T>, data: &mut actix_web::dev::Extensions| {
                        data.insert::<Rc<Connection>>(stream.connection());
                    },
                )
                .h1(Guarded::new(
                    map_config(app, |()| AppConfig::default()),
                    keep_alive(limits.keep_alive),
                ));
            let streams = fn_service(move |stream: T| {
                let peer = peer(&stream);
                let connection = Connection::new(limits, connections.clone(), Instant::now());
                async move { Ok((GuardedStream::new(stream, connection), peer)) }
            });
            actix_service::boxed::factory(streams.and_then(http).map_init_err(drop).map_err(drop))
        }
    }
}

/// A worker's service for the connections of one listener.
type Streams<T> = actix_service::boxed::BoxServiceFactory<(), T, (), (), ()>;

/// Returns the value of the `Keep-Alive` header.
fn keep_alive(time: Duration) -> HeaderValue {
    HeaderValue::try_from(format!("timeout={}", time.as_secs()))
        .unwrap_or_else(|_ascii_text| HeaderValue::from_static("timeout=1"))
}
