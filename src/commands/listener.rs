//! The listening sockets: inherited ones (systemd socket activation), or those of `server.listen` or `server.host` and `server.port`.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use actix_guarded_server::Listener;
use listenfd::ListenFd;
use socket2::SockRef;
use weapp_login::settings::{Host, ListenAddress, Server};

use crate::commands::{Failure, bind_failure};

/// Maximum number of connections that wait to be accepted. Actix uses the same number where it binds by itself.
const BACKLOG: i32 = 2048;

/// Permissions of a Unix socket: like a port, it accepts every local user. The folder's permissions can limit that.
const SOCKET_MODE: u32 = 0o666;

/// The sockets that the process inherited (`LISTEN_FDS`).
pub(crate) struct InheritedSockets(ListenFd);

/// Listening sockets, at least one.
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<Listener>,
    /// Set if they were inherited. Other processes share them then: they may be closed here, but not shut down.
    pub(crate) inherited: bool,
}

/// The address of a listening socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Listeners {
    /// Returns the address of each socket.
    pub(crate) fn addresses(&self) -> io::Result<Vec<Address>> {
        let address = |socket: &Listener| match socket {
            Listener::Tcp(socket) => socket.local_addr().map(Address::Tcp),
            Listener::Unix(socket) => {
                let address = socket.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new("(unnamed)"));
                Ok(Address::Unix(path.to_owned()))
            }
        };
        self.sockets.iter().map(address).collect()
    }
}

impl InheritedSockets {
    /// Takes the sockets and removes `LISTEN_FDS` and `LISTEN_PID` from the environment. Must be called before other
    /// threads start, because it changes the environment. Sockets for another process (`LISTEN_PID`) are ignored.
    pub(crate) fn take() -> Self {
        Self(ListenFd::from_env())
    }

    /// Returns the inherited sockets.
    fn listeners(mut self) -> Result<Vec<Listener>, UnusableSocket> {
        let mut listeners = Vec::new();
        for index in 0..self.0.len() {
            let (listener, connected) = match self.0.take_tcp_listener(index) {
                Ok(Some(tcp)) => {
                    let connected = SockRef::from(&tcp).peer_addr().is_ok();
                    (Listener::Tcp(tcp), connected)
                }
                Ok(None) => continue,
                Err(not_tcp) => match self.0.take_unix_listener(index) {
                    Ok(Some(unix)) => {
                        let connected = SockRef::from(&unix).peer_addr().is_ok();
                        (Listener::Unix(unix), connected)
                    }
                    Ok(None) => continue,
                    Err(_not_unix) => return Err(UnusableSocket::Io(not_tcp)),
                },
            };
            if connected {
                return Err(UnusableSocket::Connected);
            }
            listeners.push(listener);
        }
        Ok(listeners)
    }
}

/// The reason that an inherited socket cannot be used.
#[derive(Debug, thiserror::Error)]
enum UnusableSocket {
    #[error("it is a connection, not a listening socket (`Accept=no` in the unit)")]
    Connected,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Uses the inherited sockets, or binds to the configured addresses.
pub(crate) fn listen(server: &Server, inherited: InheritedSockets) -> Result<Listeners, Failure> {
    let sockets = inherited.listeners().map_err(|reason| {
        Failure::message(format!(
            "cannot listen on the inherited socket (LISTEN_FDS): {reason}\n  \
             hint: pass listening TCP or Unix sockets, as a .socket unit with ListenStream= does, or unset LISTEN_FDS"
        ))
    })?;
    if !sockets.is_empty() {
        let inherited = true;
        return Ok(Listeners { sockets, inherited });
    }
    let (mut sockets, inherited) = (Vec::new(), false);
    for address in server.addresses() {
        let bound = match &address {
            ListenAddress::Tcp(host, port) => bind_host(*host, *port),
            ListenAddress::Unix(path) => bind_unix(path).map(|socket| vec![Listener::Unix(socket)]),
        };
        sockets.extend(bound.map_err(|error| bind_failure(server, &address, &error))?);
    }
    Ok(Listeners { sockets, inherited })
}

/// Binds all addresses of a host. A machine may lack one of the two families of `localhost`.
fn bind_host(host: Host, port: u16) -> io::Result<Vec<Listener>> {
    let (mut listeners, mut port, mut unavailable) = (Vec::new(), port, None);
    for ip in host.ips() {
        match bind(SocketAddr::new(ip, port)) {
            Ok(listener) => {
                // Both families of a free port get the same one.
                port = listener.local_addr()?.port();
                listeners.push(Listener::Tcp(listener));
            }
            Err(error) if host == Host::Localhost && is_unavailable(&error) => {
                unavailable = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match unavailable {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn is_unavailable(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::AddrInUse | ErrorKind::PermissionDenied
    )
}

/// Binds as the standard library does, but with a longer queue than its 128 connections.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    SockRef::from(&listener).listen(BACKLOG)?;
    Ok(listener)
}

/// Binds a Unix socket. Removes one that a process which has ended has left.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if is_socket {
        match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Ok(_) | Err(_) => return Err(ErrorKind::AddrInUse.into()),
        }
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    SockRef::from(&listener).listen(BACKLOG)?;
    Ok(listener)
}

fn bind_failure(server: &Server, address: &ListenAddress, error: &io::Error) -> Failure {
    let (keys, port, host) = if server.listen.is_empty() {
        let keys = "`server.host` and `server.port`";
        (keys, "WEAPP_SERVER__PORT=", "WEAPP_SERVER__HOST=")
    } else {
        ("`server.listen`", "127.0.0.1:", "")
    };
    let reason = match address {
        ListenAddress::Tcp(host_setting, number) => {
            let ip = host_setting.ips().first().copied();
            let ip = ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
            bind_failure::explain(error, SocketAddr::new(ip, *number), port, host)
        }
        ListenAddress::Unix(_) => {
            let hint = if error.kind() == ErrorKind::AddrInUse {
                "another process listens there, or it is another kind of file: choose another path"
            } else {
                "choose a path in an existing folder that the server's user may write to"
            };
            format!("{error}\n  hint: {hint}")
        }
    };
    Failure::message(format!("cannot listen on `{address}` ({keys}): {reason}"))
}
