//! The settings. Each field declares one key: its name, type, rule and meaning.
//!
//! To add a setting, add a field here, and the key with its default to `config/default.toml`. The rules are in `rules`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use log::LevelFilter;
use serde::Deserialize;

use crate::identity::{AdminKey, ServiceKey, StorePassword};
use crate::settings::address::{Host, ListenAddress};
use crate::settings::app::App;
use crate::settings::events::Events;
use crate::settings::rules;
use crate::settings::user::{Avatar, User};
use crate::settings::values::{LogStyle, LogTarget, Profile, ProxyUrl, TrustedProxy};

// The upper bounds of durations are our choice: a longer one is a mistaken unit.
const DAY: i64 = 24 * 60 * 60;
const TEN_YEARS: i64 = 3_660 * DAY;
const MINUTE_IN_MILLISECONDS: i64 = 60_000;

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The profile. `WEAPP_PROFILE` selects it, so it is not a key of the files.
    pub profile: Profile,
    /// The address, the threads and the shutdown of the server.
    pub server: Server,
    /// Log output.
    pub log: Log,
    /// Parsing of request bodies.
    pub json: Json,
    /// Lifetimes and limits of sessions.
    pub session: Session,
    /// Personal data that is kept with users.
    pub user: User,
    /// Storage of users and sessions.
    pub store: Store,
    /// Calls to WeChat.
    pub wechat: Wechat,
    /// Uploaded avatars.
    pub avatar: Avatar,
    /// Rate limits.
    pub limits: Limits,
    /// The console for development.
    pub console: Console,
    /// Metrics for Prometheus.
    pub metrics: Metrics,
    /// Responses to gateways and other services.
    pub gateway: Gateway,
    /// The API for operators.
    pub admin: Admin,
    /// Delivery of events to another service.
    pub events: Events,
    /// The mini programs by name. Apps without an AppID are left out.
    pub apps: BTreeMap<String, App>,
    /// The apps without an AppID, if WeChat is simulated: the simulator gives each its own.
    #[serde(skip)]
    pub simulated_apps: BTreeMap<String, App>,
}

/// The address, the threads and the shutdown of the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Host to listen on.
    pub host: Host,
    /// Port to listen on; 0 selects any free port.
    #[serde(deserialize_with = "rules::within::<0, 65_535, _, _>")]
    pub port: u16,
    /// Addresses to listen on instead of `host` and `port`. See [`Server::addresses`].
    #[serde(deserialize_with = "rules::listen")]
    pub listen: Vec<ListenAddress>,
    /// Number of worker threads; 0 means one per core. See [`Server::worker_count`].
    #[serde(deserialize_with = "rules::within::<0, 1_024, _, _>")]
    pub workers: u16,
    /// Maximum number of open connections, over all workers.
    #[serde(deserialize_with = "rules::within::<1, 1_000_000, _, _>")]
    pub max_connections: u32,
    /// Idle time after which a connection may be closed.
    #[serde(deserialize_with = "rules::within::<1, 3_600, _, _>")]
    pub keep_alive_seconds: u32,
    /// Maximum time after a stop signal in which each response closes its connection.
    #[serde(deserialize_with = "rules::within::<0, 3_600, _, _>")]
    pub drain_seconds: u32,
    /// Maximum time after the drain in which requests in flight may finish.
    #[serde(deserialize_with = "rules::within::<0, 3_600, _, _>")]
    pub shutdown_seconds: u32,
    /// Proxies whose `X-Forwarded-For` or `Forwarded` header names the client.
    #[serde(deserialize_with = "rules::trusted_proxies")]
    pub trusted_proxies: Vec<TrustedProxy>,
    /// If `true`, `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// Path below which everything is served, without a trailing slash. Empty means at the root.
    #[serde(deserialize_with = "rules::base_path")]
    pub base_path: String,
    /// Origins of the web pages that may call the API.
    #[serde(deserialize_with = "rules::origins")]
    pub cors_origins: Vec<String>,
    /// Host names at which requests are accepted while WeChat is simulated, in addition to local ones.
    #[serde(deserialize_with = "rules::host_names")]
    pub allowed_hosts: Vec<String>,
}

/// Log output.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Access log format: the name of a morgan format, or a template of its tokens. Parsed by the access log.
    #[serde(deserialize_with = "rules::not_empty")]
    pub format: String,
    /// Level of this crate's log lines; the access log is independent of it.
    #[serde(deserialize_with = "rules::level")]
    pub level: LevelFilter,
    /// Levels of single log targets; the last match wins.
    #[serde(deserialize_with = "rules::targets")]
    pub targets: Vec<LogTarget>,
    /// Format of the log lines.
    pub style: LogStyle,
    /// Paths that the access log leaves out.
    #[serde(deserialize_with = "rules::paths")]
    pub skip: Vec<String>,
}

/// Parsing of request bodies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// Maximum size of a body in bytes, after decompression.
    #[serde(deserialize_with = "rules::within::<1, 16_777_216, _, _>")]
    pub limit: usize,
    /// If `true`, a body must be an object or an array.
    pub strict: bool,
    /// If `true`, a body of another type than `application/json` is rejected; otherwise it is not read.
    pub reject_other_types: bool,
    /// If `true`, compressed bodies are decompressed; otherwise they are rejected.
    pub inflate: bool,
    /// Maximum time in which a body must arrive.
    #[serde(deserialize_with = "rules::within::<1, 3_600, _, _>")]
    pub body_timeout_seconds: u32,
}

/// Lifetimes and limits of sessions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Maximum lifetime of a session.
    #[serde(deserialize_with = "rules::within::<60, TEN_YEARS, _, _>")]
    pub lifetime_seconds: u32,
    /// Time without a request after which a session expires; at most its lifetime.
    #[serde(deserialize_with = "rules::within::<2, TEN_YEARS, _, _>")]
    pub idle_seconds: u32,
    /// Minimum interval between two updates of a session's last use; less than the idle time.
    #[serde(deserialize_with = "rules::within::<1, TEN_YEARS, _, _>")]
    pub touch_seconds: u32,
    /// Maximum number of sessions per user, in all apps that share the user.
    #[serde(deserialize_with = "rules::within::<1, 1_000, _, _>")]
    pub per_user: u32,
    /// Number of WeChat session keys in a session: its own and those of previous logins.
    #[serde(deserialize_with = "rules::within::<1, 10, _, _>")]
    pub key_history: u32,
    /// Name of a header that may have the token, in addition to `Authorization`. Empty means none.
    #[serde(deserialize_with = "rules::token_header")]
    pub token_header: String,
}

/// Storage of users and sessions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// `sqlite:` and a file, or `postgres://` and a host. See [`Store::file`].
    #[serde(deserialize_with = "rules::store_url")]
    pub url: String,
    /// Password of the PostgreSQL role; empty if it has none.
    #[serde(deserialize_with = "rules::store_password")]
    pub password: StorePassword,
    /// Maximum time for which a node may not know of a revocation by another node, with PostgreSQL.
    #[serde(deserialize_with = "rules::within::<0, 1_000, _, _>")]
    pub stale_milliseconds: u32,
}

/// Calls to WeChat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wechat {
    /// Scheme, host, optional port and optional path, without a trailing slash.
    #[serde(deserialize_with = "rules::base_url")]
    pub base_url: String,
    /// Base URL of the pages on which users of official accounts and websites log in.
    #[serde(deserialize_with = "rules::base_url")]
    pub authorize_url: String,
    /// If `true`, the base URL may be `http` on another machine.
    pub allow_plain_http: bool,
    /// Proxy for `https`, if any. An `http` base URL is called directly.
    #[serde(deserialize_with = "rules::proxy")]
    pub proxy: Option<ProxyUrl>,
    /// Maximum time to connect; at most the time of the whole call.
    #[serde(deserialize_with = "rules::within::<1, MINUTE_IN_MILLISECONDS, _, _>")]
    pub connect_timeout_milliseconds: u32,
    /// Maximum time of a whole call.
    #[serde(deserialize_with = "rules::within::<1, MINUTE_IN_MILLISECONDS, _, _>")]
    pub timeout_milliseconds: u32,
    /// Maximum difference between the timestamp in encrypted data and the local clock, in the past and in the future.
    #[serde(deserialize_with = "rules::within::<1, DAY, _, _>")]
    pub watermark_seconds: u32,
}

/// Rate limits. 0 turns one off.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Maximum number of logins that the platform rejects, per client address.
    #[serde(deserialize_with = "rules::within::<0, 1_000_000, _, _>")]
    pub address_rejections_per_minute: u32,
    /// Maximum number of logins that the platform rejects, per mini program.
    #[serde(deserialize_with = "rules::within::<0, 1_000_000, _, _>")]
    pub app_rejections_per_minute: u32,
    /// Maximum number of other calls to the platform, per user.
    #[serde(deserialize_with = "rules::within::<0, 1_000_000, _, _>")]
    pub user_calls_per_minute: u32,
}

/// The console for development. See [`Settings::has_console`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// If `true`, the console is served with the real WeChat, too.
    pub enabled: bool,
}

/// Metrics for Prometheus.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// If `true`, metrics are collected and served.
    pub enabled: bool,
    /// Address of the separate metrics port.
    #[serde(deserialize_with = "rules::host")]
    pub host: IpAddr,
    /// Separate port; 0 means the port of the server. See [`Metrics::address`].
    #[serde(deserialize_with = "rules::within::<0, 65_535, _, _>")]
    pub port: u16,
    /// Path of the metrics.
    #[serde(deserialize_with = "rules::metrics_path")]
    pub path: String,
}

/// Responses to gateways and other services.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// If `true`, responses contain the openid of the user.
    pub disclose_openid: bool,
    /// Keys that authenticate services at `POST /introspect`. If empty, every request is rejected.
    #[serde(deserialize_with = "rules::service_keys")]
    pub service_keys: Vec<ServiceKey>,
}

/// The API for operators.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Port of the API; 0 means none. See [`Admin::address`].
    #[serde(deserialize_with = "rules::within::<0, 65_535, _, _>")]
    pub port: u16,
    /// Address of the port.
    #[serde(deserialize_with = "rules::host")]
    pub listen: IpAddr,
    /// Keys that authenticate operators, each with a name.
    #[serde(deserialize_with = "rules::admin_keys")]
    pub keys: Vec<AdminKey>,
    /// If `true`, responses contain the openid of a user.
    pub disclose_openid: bool,
}
