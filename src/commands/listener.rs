//! Where connections come from: a socket that was handed over, or else the port of the settings.
//!
//! Knows systemd's protocol for handing over sockets. Never knows what is served there.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::SockRef;
use weapp_login::settings::Server;

use crate::commands::Failure;

/// How many connections may wait to be accepted: what actix takes where it binds by itself.
const BACKLOG: i32 = 2048;

/// The sockets that this process was started with.
pub(crate) struct Inherited(ListenFd);

/// A listening socket.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// Whether it was handed over. Then it is another's too: it may be closed here, but not shut down.
    pub(crate) inherited: bool,
}

impl Inherited {
    /// Takes the sockets and the variables that tell of them, `LISTEN_FDS` and `LISTEN_PID`. To be called before there
    /// are threads, as it changes the environment. Sockets for another process, by `LISTEN_PID`, are none.
    pub(crate) fn take() -> Self {
        Self(ListenFd::from_env())
    }

    /// The one socket, if there is one.
    fn listener(mut self) -> Result<Option<TcpListener>, Unusable> {
        match self.0.len() {
            0 => Ok(None),
            1 => {
                let listener = self.0.take_tcp_listener(0)?;
                let connected = |socket: &TcpListener| SockRef::from(socket).peer_addr().is_ok();
                if listener.as_ref().is_some_and(connected) {
                    return Err(Unusable::Connected);
                }
                Ok(listener)
            }
            sockets => Err(Unusable::Several(sockets)),
        }
    }
}

/// Why what was handed over cannot serve.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("there are {0} sockets, and one is served")]
    Several(usize),
    #[error("it is a connection and does not listen (`Accept=no` in the unit)")]
    Connected,
    #[error(transparent)]
    Kind(#[from] io::Error),
}

/// Takes the socket that was handed over, or else the port.
pub(crate) fn listen(server: &Server, inherited: Inherited) -> Result<Listener, Failure> {
    let handed_over = inherited.listener().map_err(|unusable| {
        Failure::message(format!(
            "cannot listen on the inherited socket (LISTEN_FDS): {unusable}\n  \
             hint: hand over one listening TCP socket, as a .socket unit with one ListenStream= does, or unset LISTEN_FDS"
        ))
    })?;
    if let Some(socket) = handed_over {
        return Ok(Listener {
            socket,
            inherited: true,
        });
    }
    let socket = bind(server.address()).map_err(|error| refused(server.address(), &error))?;
    Ok(Listener {
        socket,
        inherited: false,
    })
}

fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    let what = if error.kind() == io::ErrorKind::AddrInUse {
        "another process listens there already".to_owned()
    } else {
        error.to_string()
    };
    Failure::message(format!(
        "cannot listen on `{address}` (`server.host` and `server.port`): {what}\n  \
         hint: stop that process, or choose another port, as in WEAPP_SERVER__PORT={}",
        address.port().checked_add(1).unwrap_or(3000)
    ))
}

/// As the standard library binds, but with room for a burst of connections: its queue holds 128.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    SockRef::from(&listener).listen(BACKLOG)?;
    Ok(listener)
}
