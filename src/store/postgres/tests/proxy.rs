//! A TCP proxy in front of PostgreSQL, which fails on demand.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A behaviour of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Passes everything on.
    Pass,
    /// Passes nothing on, and keeps the connections: a partition, or a machine that has stopped.
    Freeze,
    /// Passes requests on, but no responses.
    Swallow,
    /// Passes requests on up to a COMMIT. The COMMIT, and what follows it on this connection, never arrives.
    HoldCommit,
    /// Closes new connections.
    Refuse,
}

/// The request that commits a transaction.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// The running proxy.
pub(super) struct Proxy {
    port: u16,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    /// Connections of an earlier number are closed.
    generation: u32,
}

impl Proxy {
    /// Starts a proxy for the server of this URL.
    pub(super) async fn start(server: &str) -> Self {
        let target = server.split_once('@').unwrap().1;
        let target = target.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(watch::Sender::new(State {
            mode: Mode::Pass,
            generation: 0,
        }));
        let states = Arc::clone(&state);
        drop(actix_rt::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if states.borrow().mode == Mode::Refuse {
                    continue;
                }
                if let Ok(server) = TcpStream::connect(&target).await {
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    let states = || states.subscribe();
                    drop(actix_rt::spawn(copy(
                        from_client,
                        to_server,
                        states(),
                        true,
                    )));
                    drop(actix_rt::spawn(copy(
                        from_server,
                        to_client,
                        states(),
                        false,
                    )));
                }
            }
        }));
        Self { port, state }
    }

    /// The URL of the server, through this proxy.
    pub(super) fn url(&self, server: &str) -> String {
        let (user, rest) = server.split_once('@').unwrap();
        let database = rest.split_once('/').unwrap().1;
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }

    pub(super) fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }

    /// Closes all connections.
    pub(super) fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }
}

/// Copies in one direction until a side closes, or the connections are cut.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut states: watch::Receiver<State>,
    is_request: bool,
) {
    let generation = states.borrow().generation;
    let mut ended = states.clone();
    let forward = async {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let passes = |state: &State| match state.mode {
                Mode::Pass | Mode::Refuse | Mode::HoldCommit => true,
                Mode::Swallow => is_request,
                Mode::Freeze => false,
            };
            let Ok(mode) = states.wait_for(passes).await.map(|state| state.mode) else {
                break;
            };
            let requests = &buffer[..length];
            let commit = requests
                .windows(COMMIT.len())
                .position(|part| part == COMMIT);
            let held = commit.filter(|_position| is_request && mode == Mode::HoldCommit);
            let written = to.write_all(&requests[..held.unwrap_or(length)]).await;
            if held.is_some() {
                std::future::pending::<()>().await;
            }
            if written.is_err() {
                break;
            }
        }
    };
    let cut = ended.wait_for(|state| state.generation != generation);
    // The cut comes first: what was held back must not pass before it.
    futures_util::future::select(std::pin::pin!(cut), std::pin::pin!(forward)).await;
}
