//! The options of a simulator: address, apps, clock, seed, session keys and quota.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::app::App;
use crate::clock::Clock;
use crate::saved_state::SavedState;
use crate::tls::Tls;

/// The options of [`Simulator::start`](crate::Simulator::start).
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on; port 0 chooses a free port.
    pub listen: SocketAddr,
    /// The TLS port, for clients that call `https://api.weixin.qq.com`; by default none.
    pub tls: Option<Tls>,
    /// If `true`, `listen` and the TLS port may be at an address that other machines can reach. Anyone who can reach it can log in.
    pub allow_remote: bool,
    /// Host names at which commands are accepted, in addition to local ones. See [`Guard`](crate::Guard).
    pub allowed_hosts: Vec<String>,
    /// The seed of all identifiers, codes and keys: the same seed gives the same values.
    pub seed: u64,
    /// The clock.
    pub clock: Clock,
    /// The mini programs. The first one is the app of [`Simulator`](crate::Simulator)'s own methods.
    pub apps: Vec<App>,
    /// Apps and users to start with. If it has apps, they replace `apps`. See [`SavedState`].
    pub saved: SavedState,
    /// If `true`, codes that the simulator did not issue get error 40029, as at WeChat: among them DevTools' `the code is a mock
    /// one`.
    pub issued_codes_only: bool,
    /// Rotation and lifetime of session keys.
    pub session_keys: SessionKeyPolicy,
    /// Calls per minute that each app may make to each endpoint before it gets error 45011; by default the documented
    /// number.
    pub calls_per_minute: Option<u32>,
}

impl Options {
    /// Any free port of 127.0.0.1, the system clock, one app, and a new session key at every login.
    pub fn new(seed: u64) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            allow_remote: false,
            allowed_hosts: Vec::new(),
            seed,
            clock: Clock::system(),
            apps: vec![App::named(seed, "main")],
            saved: SavedState::default(),
            issued_codes_only: false,
            session_keys: SessionKeyPolicy {
                rotate_at: RotateAt::Exchange,
                rotation_percent: 100,
                lifetime: Duration::from_hours(72),
            },
            calls_per_minute: None,
        }
    }
}

/// Rotation and lifetime of session keys. WeChat documents neither: it says only that a login may replace the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionKeyPolicy {
    /// The step of a login that may replace the key.
    pub rotate_at: RotateAt,
    /// Probability in percent that a login replaces an existing key.
    pub rotation_percent: u8,
    /// Lifetime of a key after the user's last login.
    #[serde(
        rename = "lifetime_seconds",
        serialize_with = "as_seconds",
        deserialize_with = "from_seconds"
    )]
    pub lifetime: Duration,
}

/// The step of a login that may replace the user's session key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateAt {
    /// `wx.login` issues the code: the server can no longer decrypt what the client encrypted before.
    Issue,
    /// A server exchanges the code.
    Exchange,
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

fn from_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}
