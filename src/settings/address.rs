//! Addresses to listen on.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Maximum length of the path of a Unix socket, which the system terminates with a zero byte.
const MAX_SOCKET_PATH: usize = 107;

/// A host to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// The loopback addresses of IPv4 and IPv6.
    Localhost,
    /// One address.
    Ip(IpAddr),
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP port; 0 selects any free one.
    Tcp(Host, u16),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Host {
    /// Returns the IP addresses.
    pub fn ips(self) -> Vec<IpAddr> {
        match self {
            Self::Localhost => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Self::Ip(ip) => vec![ip],
        }
    }

    /// Parses an IP address or `localhost`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "localhost" => Some(Self::Localhost),
            address => address.parse().ok().map(Self::Ip),
        }
    }
}

impl ListenAddress {
    /// Returns the IP addresses and port; none for a Unix socket.
    pub fn sockets(&self) -> Vec<SocketAddr> {
        match self {
            Self::Tcp(host, port) => {
                let ips = host.ips().into_iter();
                ips.map(|ip| SocketAddr::new(ip, *port)).collect()
            }
            Self::Unix(_) => Vec::new(),
        }
    }

    /// Parses `host:port`, `[address]:port` or `unix:path`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            let valid = (1..=MAX_SOCKET_PATH).contains(&path.len()) && !path.contains('\0');
            return valid.then(|| Self::Unix(path.into()));
        }
        if let Some(port) = text.strip_prefix("localhost:") {
            return Some(Self::Tcp(Host::Localhost, port.parse().ok()?));
        }
        let address: SocketAddr = text.parse().ok()?;
        Some(Self::Tcp(Host::Ip(address.ip()), address.port()))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(Host::Localhost, port) => write!(f, "localhost:{port}"),
            Self::Tcp(Host::Ip(ip), port) => SocketAddr::new(*ip, *port).fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rule = "an IP address such as 127.0.0.1 or 0.0.0.0, or localhost";
        Self::parse(&text).ok_or_else(|| D::Error::custom(rule))
    }
}
