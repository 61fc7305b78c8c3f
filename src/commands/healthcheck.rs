//! `weapp-login healthcheck`: sends `GET /livez` to the server that the same settings would start.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::commands::{Failure, configuration};

/// Timeout of each step. Our choice: container engines give up after 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The reason that a server is unhealthy.
#[derive(Debug, thiserror::Error)]
enum Unhealthy {
    #[error("http://{0}/livez returned status {1}")]
    Status(SocketAddr, u16),
    #[error("http://{0}/livez does not answer: {1}")]
    Silent(SocketAddr, io::Error),
}

/// Succeeds if the status is 200.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let address = reachable(configuration(folder)?.settings.server.address());
    match status(address) {
        Ok(200) => Ok(()),
        Ok(status) => Err(Failure::internal(Unhealthy::Status(address, status))),
        Err(error) => Err(Failure::internal(Unhealthy::Silent(address, error))),
    }
}

/// Returns the address to connect to. A server that listens on all addresses listens on loopback too.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listening.port())
}

fn status(address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /livez HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    // The status line is `HTTP/1.1 200 OK`: the status is within the first twelve bytes.
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let status = head
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|digits| str::from_utf8(digits).ok());
    status
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the response is not HTTP"))
}
