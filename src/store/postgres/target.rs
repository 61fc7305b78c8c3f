//! The servers that `store.url` names, and how to connect to them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::identity::StorePassword;
use crate::store::database::Database;
use crate::store::interface::OpenError;
use crate::store::postgres::identity::DatabaseIdentity;

/// Maximum time of a TCP connection attempt, and of silence while data is unacknowledged.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Settings of each connection. They end what waits: a statement, a lock, and a transaction whose client is gone. The last
/// one proves that they arrived, because a connection pooler may drop them.
const SESSION: &str = "-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=5s \
                       -c default_transaction_isolation=read\\ committed -c weapp_login.direct=on";

/// Settings of the connections for reads and writes, whose statements find a few rows by a key. PostgreSQL keeps the plan of a
/// prepared statement until it analyzes the tables again, so a scan of a small table, or of a whole index that is as small,
/// would go on while the table grows.
const BY_KEY: &str = "-c enable_seqscan=off -c enable_indexonlyscan=off -c jit=off";

/// One server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Host and port, for messages.
    pub(super) name: String,
    pub(super) config: Config,
}

/// The servers of a database, of which one accepts writes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) servers: Vec<Server>,
    /// File with the certificates of the authorities to trust instead of the system's.
    pub(super) root_certificates: Option<PathBuf>,
    /// If `true`, a server that confirms commits before they are on the disk is rejected.
    pub(super) must_be_durable: bool,
    /// Identity of the database that the node has opened. A server with another one is rejected.
    pub(super) identity: Option<DatabaseIdentity>,
}

impl Target {
    /// The servers of a database.
    ///
    /// # Errors
    /// [`OpenError`] names the part of the URL that cannot be used.
    pub(super) fn of(database: &Database) -> Result<Self, OpenError> {
        let target = Self::parse(&database.url, &database.password);
        let target =
            target.map_err(|problem| OpenError::new(without_user(&database.url), problem))?;
        Ok(Self {
            must_be_durable: database.must_be_durable,
            ..target
        })
    }

    /// The same servers, for statements that find a few rows by a key.
    pub(super) fn by_key(&self) -> Self {
        let mut target = self.clone();
        for Server { config, .. } in &mut target.servers {
            let options = format!("{} {BY_KEY}", config.get_options().unwrap_or_default());
            config.options(options);
        }
        target
    }

    /// Parses a URL such as `postgres://weapp@db1,db2/weapp`.
    ///
    /// # Errors
    /// A text that completes a sentence that begins with the URL.
    fn parse(url: &str, password: &StorePassword) -> Result<Self, String> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root_certificates, mut rest) = (None, None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "sslmode" => mode = Some(tls_mode(value)?),
                "sslrootcert" => root_certificates = Some(PathBuf::from(value)),
                "options" | "application_name" => rest.push(parameter),
                "target_session_attrs" if value == "read-write" => {}
                "password" => return Err(HAS_PASSWORD.to_owned()),
                _ => return Err(unknown_parameter(name)),
            }
        }
        let parsed = format!("{address}?{}", rest.join("&")).parse::<Config>();
        let parsed = parsed.map_err(|error| format!("is no valid URL: {error}"))?;
        if parsed.get_password().is_some() {
            return Err(HAS_PASSWORD.to_owned());
        }
        let hosts = parsed.get_hosts();
        if hosts.is_empty() {
            return Err("names no host\n  hint: write postgres://user@host/database".to_owned());
        }
        let ports = (0..hosts.len()).map(|index| port(&parsed, index));
        let server = |(host, port)| server(&parsed, host, port, mode, password);
        Ok(Self {
            servers: hosts.iter().zip(ports).map(server).collect(),
            root_certificates,
            must_be_durable: false,
            identity: None,
        })
    }
}

/// Removes what may contain a password from a URL that was rejected.
fn without_user(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(address, _)| address);
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        _ => url.to_owned(),
    }
}

const HAS_PASSWORD: &str = "has a password in the URL, which is printed and logged\n  \
                            hint: remove it, and set `store.password` or WEAPP_STORE__PASSWORD_FILE";

fn unknown_parameter(name: &str) -> String {
    format!(
        "has the unknown parameter `{name}`\n  hint: the parameters are sslmode, sslrootcert, options, application_name and \
         target_session_attrs=read-write"
    )
}

/// Parses `sslmode`. An encrypted connection always verifies the server's certificate and name.
fn tls_mode(value: &str) -> Result<SslMode, String> {
    match value {
        "disable" => Ok(SslMode::Disable),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        _ => Err(
            "has an sslmode that would accept a server without TLS\n  hint: use verify-full, which is the default for other \
             machines, or disable"
                .to_owned(),
        ),
    }
}

/// The port of a host: its own, the only one, or 5432.
fn port(config: &Config, index: usize) -> u16 {
    let ports = config.get_ports();
    *ports.get(index).or(ports.first()).unwrap_or(&5432)
}

fn server(
    url: &Config,
    host: &Host,
    port: u16,
    mode: Option<SslMode>,
    password: &StorePassword,
) -> Server {
    let mut config = Config::new();
    let name = match host {
        Host::Tcp(name) => {
            config.host(name);
            format!("{name}:{port}")
        }
        Host::Unix(path) => {
            config.host_path(path);
            path.display().to_string()
        }
    };
    let default = if is_this_machine(host) {
        SslMode::Disable
    } else {
        SslMode::Require
    };
    config
        .port(port)
        .ssl_mode(mode.unwrap_or(default))
        .application_name(url.get_application_name().unwrap_or("weapp-login"))
        .options(format!(
            "{} {SESSION}",
            url.get_options().unwrap_or_default()
        ))
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(Duration::from_secs(1))
        .keepalives_interval(Duration::from_secs(1))
        .keepalives_retries(2);
    if let Some(user) = url.get_user() {
        config.user(user);
    }
    if let Some(database) = url.get_dbname() {
        config.dbname(database);
    }
    if !password.expose().is_empty() {
        config.password(password.expose());
    }
    Server { name, config }
}

/// Returns `true` if what is sent to the host does not leave this machine.
fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_path) => true,
    }
}
