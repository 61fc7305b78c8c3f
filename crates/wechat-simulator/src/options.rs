//! How a simulator is to be: its address, its apps, its clock, its seed.
//!
//! Knows the defaults that suit a test.
//! Never knows how any of it is done.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::clock::Clock;
use super::identifiers::Identifiers;

/// What a simulator starts with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// If `true`, `listen` may be an address that other machines can reach. The simulator logs in everyone.
    pub allow_remote: bool,
    /// From which all identifiers, codes and keys follow: the same seed, the same texts.
    pub seed: u64,
    /// What the time is.
    pub clock: Clock,
    /// The mini programs; the first is the one that [`Simulator`](super::Simulator)'s own methods are about.
    pub apps: Vec<App>,
    /// Rotation and lifetime of session keys.
    pub session_keys: SessionKeyPolicy,
    /// How many calls an app may make to an endpoint in one minute of the clock before it is refused with 45011;
    /// absent, as many as the endpoint's page says.
    pub calls_per_minute: Option<u32>,
}

impl Options {
    /// Any free port of 127.0.0.1, the system's clock, one app, a new session key at every exchange, and no quota.
    pub fn new(seed: u64) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            seed,
            clock: Clock::system(),
            apps: vec![App::named(seed, "main")],
            session_keys: SessionKeyPolicy {
                rotate_at: RotateAt::Exchange,
                rotation_percent: 100,
                lifetime: Duration::from_hours(72),
            },
            calls_per_minute: None,
        }
    }
}

/// When a login replaces the user's session key. WeChat documents only that it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateAt {
    /// When `wx.login` gives the code out: what the client encrypted before is lost to whoever takes the code.
    Issue,
    /// When a server exchanges the code.
    Exchange,
}

/// Rotation and lifetime of session keys. WeChat documents only that a login may replace the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionKeyPolicy {
    /// The step of a login that may replace the key.
    pub rotate_at: RotateAt,
    /// Probability in percent that a login replaces an existing key.
    pub rotation_percent: u8,
    /// Lifetime of a key after the user's last login.
    pub lifetime: Duration,
}

/// A mini program that WeChat knows.
#[derive(Clone, PartialEq, Eq)]
pub struct App {
    /// The AppID.
    pub id: String,
    /// The AppSecret.
    pub secret: String,
    /// The Open Platform account that the app is bound to. Apps of one account share unionids; without one there are none.
    pub open_platform: Option<String>,
}

impl App {
    /// Makes up an AppID and an AppSecret that follow from the seed and the name. Bound to no account.
    pub fn named(seed: u64, name: &str) -> Self {
        let identifiers = Identifiers::new(seed);
        Self {
            id: identifiers.app_id(name),
            secret: identifiers.app_secret(name),
            open_platform: None,
        }
    }

    /// Binds the app to the Open Platform account of that name.
    #[must_use]
    pub fn with_open_platform(self, account: &str) -> Self {
        Self {
            open_platform: Some(account.to_owned()),
            ..self
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("secret", &"***")
            .field("open_platform", &self.open_platform)
            .finish()
    }
}
