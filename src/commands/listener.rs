//! The listening socket: an inherited one (systemd socket activation), or one bound to `server.host` and `server.port`.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::SockRef;
use weapp_login::settings::Server;

use crate::commands::{Failure, bind_failure};

/// Maximum number of connections that wait to be accepted. Actix uses the same number where it binds by itself.
const BACKLOG: i32 = 2048;

/// The sockets that the process inherited (`LISTEN_FDS`).
pub(crate) struct InheritedSockets(ListenFd);

/// A listening socket.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// Set if the socket was inherited. Other processes share it then: it may be closed here, but not shut down.
    pub(crate) inherited: bool,
}

impl InheritedSockets {
    /// Takes the sockets and removes `LISTEN_FDS` and `LISTEN_PID` from the environment. Must be called before other
    /// threads start, because it changes the environment. Sockets for another process (`LISTEN_PID`) are ignored.
    pub(crate) fn take() -> Self {
        Self(ListenFd::from_env())
    }

    /// Returns the inherited socket, if there is one.
    fn listener(mut self) -> Result<Option<TcpListener>, UnusableSocket> {
        match self.0.len() {
            0 => Ok(None),
            1 => {
                let listener = self.0.take_tcp_listener(0)?;
                let connected = |socket: &TcpListener| SockRef::from(socket).peer_addr().is_ok();
                if listener.as_ref().is_some_and(connected) {
                    return Err(UnusableSocket::Connected);
                }
                Ok(listener)
            }
            sockets => Err(UnusableSocket::Several(sockets)),
        }
    }
}

/// The reason that an inherited socket cannot be used.
#[derive(Debug, thiserror::Error)]
enum UnusableSocket {
    #[error("{0} sockets were passed, but only one can be served")]
    Several(usize),
    #[error("it is a connection, not a listening socket (`Accept=no` in the unit)")]
    Connected,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Uses the inherited socket, or binds to the configured address.
pub(crate) fn listen(server: &Server, inherited: InheritedSockets) -> Result<Listener, Failure> {
    let inherited = inherited.listener().map_err(|reason| {
        Failure::message(format!(
            "cannot listen on the inherited socket (LISTEN_FDS): {reason}\n  \
             hint: pass one listening TCP socket, as a .socket unit with one ListenStream= does, or unset LISTEN_FDS"
        ))
    })?;
    if let Some(socket) = inherited {
        return Ok(Listener {
            socket,
            inherited: true,
        });
    }
    let socket = bind(server.address()).map_err(|error| bind_failure(server.address(), &error))?;
    Ok(Listener {
        socket,
        inherited: false,
    })
}

/// Binds as the standard library does, but with a longer queue than its 128 connections.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    SockRef::from(&listener).listen(BACKLOG)?;
    Ok(listener)
}

fn bind_failure(address: SocketAddr, error: &io::Error) -> Failure {
    let reason =
        bind_failure::explain(error, address, "WEAPP_SERVER__PORT=", "WEAPP_SERVER__HOST=");
    Failure::message(format!(
        "cannot listen on `{address}` (`server.host` and `server.port`): {reason}"
    ))
}
