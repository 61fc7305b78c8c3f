//! `weapp-login healthcheck`: asks `/livez` of the server that the same configuration would start.
//!
//! Never knows more of HTTP than one request and the status of its reply.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::commands::{Failure, configuration};

/// How long the server may take for each step. Our choice: container engines give up after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a server shows that it is not well.
#[derive(Debug, thiserror::Error)]
enum Unhealthy {
    #[error("http://{0}/livez answers {1}")]
    Status(SocketAddr, u16),
    #[error("http://{0}/livez does not answer: {1}")]
    Silent(SocketAddr, io::Error),
}

/// Succeeds if the server answers 200.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let address = reachable(configuration(folder)?.settings.server.address());
    match status(address) {
        Ok(200) => Ok(()),
        Ok(status) => Err(Failure::internal(Unhealthy::Status(address, status))),
        Err(error) => Err(Failure::internal(Unhealthy::Silent(address, error))),
    }
}

/// Where to ask a server that listens on this address: one that listens everywhere listens on loopback too.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listening.port())
}

fn status(address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /livez HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    // The status line is `HTTP/1.1 200 OK`: twelve bytes tell.
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let status = head
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|digits| str::from_utf8(digits).ok());
    status
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP"))
}
