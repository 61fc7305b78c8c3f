//! Connects to the server that accepts writes, and checks that it can be used.

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, SimpleQueryRow, Socket};

use crate::store::postgres::identity;
use crate::store::postgres::problem::Problem;
use crate::store::postgres::target::{CONNECT_TIMEOUT, Server, Target};
use crate::store::postgres::tls::Tls;

/// The oldest supported version, as PostgreSQL numbers it. It has snapshots of 64-bit transaction numbers.
const OLDEST: u32 = 140_000;

/// Parts of the version of engines that speak PostgreSQL's protocol, and have no snapshots or another durability.
const OTHER_ENGINES: [&str; 7] = [
    "CockroachDB",
    "-YB-",
    "Redshift",
    "Greenplum",
    "Materialize",
    "RisingWave",
    "Gauss",
];

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) driver: Driver,
    /// Set if a commit is confirmed only after another server has it.
    pub(super) has_synchronous_standby: bool,
}

/// The task that reads and writes the socket. It ends when the connection does, and the connection ends with it.
#[derive(Debug)]
pub(super) struct Driver(pub(super) JoinHandle<Result<(), tokio_postgres::Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to the first server that accepts writes. Must run in the runtime that is to drive the connection.
///
/// # Errors
/// [`Problem`] with the reason of each server.
pub(super) async fn connect(target: &Target) -> Result<Connection, Problem> {
    let mut reasons = None;
    for server in &target.servers {
        let attempt = connect_to(server, target);
        let problem = match timeout(CONNECT_TIMEOUT, attempt).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(problem)) => problem,
            Err(_elapsed) => Problem::Silent(CONNECT_TIMEOUT),
        };
        let problem = Problem::Unreachable {
            host: server.name.clone(),
            problem: Box::new(problem),
        };
        reasons = Some(match reasons {
            None => problem,
            Some(earlier) => Problem::Both(Box::new(earlier), Box::new(problem)),
        });
    }
    Err(reasons.unwrap_or_else(|| Problem::Unusable("no host is configured".to_owned())))
}

async fn connect_to(server: &Server, target: &Target) -> Result<Connection, Problem> {
    // TLS reads all certificates of the system, so it is set up only if it is used.
    let (client, driver) = if server.config.get_ssl_mode() == SslMode::Disable {
        open(server, NoTls).await?
    } else {
        open(server, Tls::new(target.root_certificates.as_deref())?).await?
    };
    check_engine(&client).await?;
    let has_synchronous_standby = check_session(&client, target.must_be_durable).await?;
    if let Some(expected) = &target.identity {
        identity::check(&client, expected).await?;
    }
    Ok(Connection {
        client,
        driver,
        has_synchronous_standby,
    })
}

/// Opens a connection, and starts its driver.
async fn open<T>(server: &Server, tls: T) -> Result<(Client, Driver), Problem>
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static>,
{
    let (client, driver) = server.config.connect(tls).await.map_err(explain)?;
    Ok((client, Driver(tokio::spawn(driver))))
}

/// Adds the cause to the error of a connection pooler, which rejects the settings of the connection.
fn explain(error: tokio_postgres::Error) -> Problem {
    let problem = Problem::from(error);
    if problem
        .to_string()
        .contains("unsupported startup parameter")
    {
        return Problem::Unusable(POOLER.to_owned());
    }
    problem
}

const POOLER: &str = "a connection pooler drops the settings of the connections; connect to PostgreSQL itself, which a node \
                      does with five connections";

/// Rejects engines that only speak the protocol, and versions that are too old.
async fn check_engine(client: &Client) -> Result<(), Problem> {
    let row = only_row(client, "SELECT version()").await?;
    let version = row.get(0).unwrap_or_default();
    if !version.starts_with("PostgreSQL ")
        || OTHER_ENGINES.iter().any(|name| version.contains(name))
    {
        let name: String = version
            .chars()
            .take(60)
            .filter(|letter| !letter.is_control())
            .collect();
        return Err(Problem::Unusable(format!(
            "the server is `{name}`, and not PostgreSQL: it speaks the protocol, but cannot say which transactions a snapshot \
             contains"
        )));
    }
    let row = only_row(client, "SELECT current_setting('server_version_num')").await?;
    let number: u32 = row.get(0).unwrap_or_default().parse().unwrap_or(0);
    if number < OLDEST {
        return Err(Problem::Unusable(format!(
            "PostgreSQL {} is too old: 14 is the oldest supported version",
            number / 10_000
        )));
    }
    Ok(())
}

/// Checks the settings of the connection. Returns `true` if a synchronous standby is configured.
async fn check_session(client: &Client, must_be_durable: bool) -> Result<bool, Problem> {
    let settings =
        "SELECT current_setting('weapp_login.direct', true), current_setting('synchronous_commit'),
                           current_setting('fsync'), current_setting('synchronous_standby_names')";
    let row = only_row(client, settings).await?;
    let setting = |index| row.get(index).unwrap_or_default();
    if setting(0) != "on" {
        return Err(Problem::Unusable(POOLER.to_owned()));
    }
    for (name, value) in [("synchronous_commit", setting(1)), ("fsync", setting(2))] {
        if must_be_durable && value == "off" {
            return Err(Problem::Unusable(format!(
                "PostgreSQL's `{name}` is off, so a crash would lose confirmed logins and bring back revoked sessions; set it \
                 to on, also for this role and database"
            )));
        }
    }
    Ok(!setting(3).is_empty() && !["off", "local"].contains(&setting(1)))
}

async fn only_row(client: &Client, statement: &str) -> Result<SimpleQueryRow, Problem> {
    let messages = client.simple_query(statement).await?;
    let row = messages.into_iter().find_map(|message| {
        if let SimpleQueryMessage::Row(row) = message {
            return Some(row);
        }
        None
    });
    row.ok_or_else(|| Problem::Malformed("no row".to_owned()))
}
