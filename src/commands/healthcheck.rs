//! `weapp-login healthcheck`: sends `GET /livez` to the server that the same settings would start.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use weapp_login::settings::ListenAddress;

use crate::commands::{Failure, configuration};

/// Timeout of each step. Our choice: container engines give up after 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The reason that a server is unhealthy.
#[derive(Debug, thiserror::Error)]
enum Unhealthy {
    #[error("{0}/livez returned status {1}")]
    Status(String, u16),
    #[error("{0}/livez does not answer: {1}")]
    Silent(String, io::Error),
}

/// Succeeds if the status is 200.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let server = configuration(folder)?.settings.server;
    let (addresses, base) = (server.addresses(), server.base_path.as_str());
    let (url, status) = match addresses.first() {
        Some(ListenAddress::Unix(path)) => {
            let url = format!("unix:{}:", path.display());
            (
                url,
                UnixStream::connect(path).and_then(|stream| over_unix(stream, base)),
            )
        }
        Some(ListenAddress::Tcp(host, port)) => {
            let mut ips = host.ips().into_iter();
            let first = ips.next().unwrap_or(Ipv4Addr::LOCALHOST.into());
            let address = reachable(SocketAddr::new(first, *port));
            // A machine may have only one of the two addresses of `localhost`.
            let other = ips.next().map(|ip| SocketAddr::new(ip, *port));
            let over_tcp = |address| over_tcp(address, base);
            let status = over_tcp(address).or_else(|error| other.map_or(Err(error), over_tcp));
            (format!("http://{address}"), status)
        }
        // A server always has an address.
        None => return Ok(()),
    };
    let url = url + base;
    match status {
        Ok(200) => Ok(()),
        Ok(status) => Err(Failure::internal(Unhealthy::Status(url, status))),
        Err(error) => Err(Failure::internal(Unhealthy::Silent(url, error))),
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

fn over_tcp(address: SocketAddr, base: &str) -> io::Result<u16> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    status(stream, &address.to_string(), base)
}

fn over_unix(stream: UnixStream, base: &str) -> io::Result<u16> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    status(stream, "localhost", base)
}

fn status(mut stream: impl Read + Write, host: &str, base: &str) -> io::Result<u16> {
    write!(
        stream,
        "GET {base}/livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
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
