//! The settings of what stands around the server: Prometheus, gateways, services behind.
//!
//! Knows each setting's name and type. Never knows layers, files or variables.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Deserializer};

use crate::identity::ServiceKey;
use crate::settings::written::host;

/// What is counted, and where that is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Whether anything is counted.
    pub enabled: bool,
    /// The address of the metrics' own port.
    #[serde(deserialize_with = "host")]
    pub host: IpAddr,
    /// Their own port; 0 means the server's. See [`Metrics::address`].
    pub port: u16,
    /// Their path.
    pub path: String,
}

/// What gateways and services behind are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Whether they are told a user's openid.
    pub disclose_openid: bool,
    /// What a service shows that asks about tokens; with none, nobody may ask.
    #[serde(deserialize_with = "service_keys")]
    pub service_keys: Vec<ServiceKey>,
}

impl Metrics {
    /// The address and port of their own, if they are not to be on the server's.
    pub fn address(&self) -> Option<SocketAddr> {
        (self.port != 0).then(|| SocketAddr::new(self.host, self.port))
    }
}

fn service_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ServiceKey>, D::Error> {
    let keys = Vec::<String>::deserialize(deserializer)?;
    Ok(keys.into_iter().map(ServiceKey::new).collect())
}
