//! The settings themselves: plain data.
//!
//! Knows each setting's name, unit and type.
//! Never knows layers, files, variables or which values are allowed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::identity::{AppId, AppSecret};
use crate::settings::around::{Gateway, Metrics};
use crate::settings::log::Log;
use crate::settings::written::{apps, base_url, host, sqlite_file};

/// The whole configuration, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which of the two kinds of use this is.
    pub profile: Profile,
    /// Where to listen.
    pub server: Server,
    /// What is logged.
    pub log: Log,
    /// How request bodies are read.
    pub json: Json,
    /// How long logins last.
    pub session: Session,
    /// Where users and sessions are kept.
    pub store: Store,
    /// Where WeChat is, and our patience with it.
    pub wechat: Wechat,
    /// What is counted, and where that is told.
    pub metrics: Metrics,
    /// What gateways and services behind are told.
    pub gateway: Gateway,
    /// The mini programs by name; only those that have an AppID and an AppSecret.
    #[serde(deserialize_with = "apps")]
    pub apps: BTreeMap<String, App>,
}

/// The two kinds of use. `WEAPP_PROFILE` chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// On a developer's machine: received bodies are shown, and WeChat may be simulated.
    Development,
    /// For real users.
    Production,
}

/// Where to listen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address; `localhost` is read as 127.0.0.1.
    #[serde(deserialize_with = "host")]
    pub host: IpAddr,
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// Threads that answer requests; 0 means one per core. See [`Server::worker_count`].
    pub workers: u16,
    /// How long answers close their connections at most, after a signal to stop.
    pub drain_seconds: u32,
    /// How long what is left of requests may go on after that.
    pub shutdown_seconds: u32,
    /// Whether `/docs` and `/openapi.json` show the API.
    pub docs: bool,
}

/// How request bodies are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// The largest body in bytes, counted after inflation.
    pub limit: usize,
    /// Whether a body must be an object or an array.
    pub strict: bool,
    /// Whether a body of another type than `application/json` is refused rather than left unread.
    pub refuse_other_types: bool,
    /// Whether compressed bodies are inflated rather than refused.
    pub inflate: bool,
    /// How long a body may take to arrive.
    pub body_timeout_seconds: u32,
}

/// How long logins last.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// How long a session lasts at most.
    pub lifetime_seconds: u32,
    /// How long a session lasts without a request; at most its lifetime.
    pub idle_seconds: u32,
    /// How often at most a session's last use is written down; less than the idle limit.
    pub touch_seconds: u32,
    /// Sessions that one user may have at once.
    pub per_user: u32,
    /// Session keys of WeChat's that a session knows: its own, and those of the logins before it.
    pub key_generations: u32,
}

/// Where users and sessions are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// `sqlite:` and a file. See [`Store::file`].
    pub url: String,
}

/// Where WeChat is, and our patience with it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wechat {
    /// Scheme, host and perhaps port, and no slash at the end.
    #[serde(deserialize_with = "base_url")]
    pub base_url: String,
    /// How long a connection may take; at most as long as the whole call.
    pub connect_timeout_milliseconds: u32,
    /// How long a whole call may take.
    pub timeout_milliseconds: u32,
    /// How far from our clock the time in encrypted data may be, in the past and in the future.
    pub watermark_seconds: u32,
}

/// One mini program.
#[derive(Debug, Clone)]
pub struct App {
    /// Who it is to WeChat.
    pub app_id: AppId,
    /// How it proves that.
    pub app_secret: AppSecret,
}

impl Profile {
    /// The profile's name, as in `WEAPP_PROFILE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

impl Settings {
    /// Whether WeChat is to be simulated: in development, with no AppID set anywhere.
    pub fn simulated(&self) -> bool {
        self.profile == Profile::Development && self.apps.is_empty()
    }
}

impl Server {
    /// The address and port to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// The number of threads that answer requests; at least 1. Asks the system for its cores if none is set.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            workers => workers.into(),
        }
    }

    /// How long answers close their connections at most, after a signal to stop.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds.into())
    }

    /// How long what is left of requests may go on after that.
    pub fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds.into())
    }
}

impl Json {
    /// How long a body may take to arrive.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds.into())
    }
}

impl Store {
    /// The database file.
    pub fn file(&self) -> &Path {
        Path::new(sqlite_file(&self.url).unwrap_or_default())
    }
}

impl Wechat {
    /// How long a connection may take.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_milliseconds.into())
    }

    /// How long a whole call may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_milliseconds.into())
    }
}
