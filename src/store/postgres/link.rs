//! One connection that is made again when it breaks. Calls are pipelined: any number may be under way.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, join_all, join3, select};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::store::postgres::connect::{Connection, connect};
use crate::store::postgres::outage::Outage;
use crate::store::postgres::problem::Problem;
use crate::store::postgres::target::Target;

/// First and longest pause before another attempt to connect. Our choice.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Maximum time that a write waits for a connection. Our choice: enough for several attempts to connect.
const PATIENCE: Duration = Duration::from_secs(2);

/// Maximum number of times that a write runs because of a conflict with another one. Our choice.
const ATTEMPTS: u32 = 3;

/// The parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection to the database, now or soon.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Sender<State>,
    /// Shared by all links, so that an outage is logged once.
    outage: Arc<Outage>,
}

/// A connection, and the maximum time of each call on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limited<'a> {
    link: &'a Link,
    limit: Duration,
}

#[derive(Debug, Clone)]
enum State {
    /// There was no attempt yet, or the connection has just broken.
    Connecting,
    Connected(Arc<Session>),
    /// The last attempt failed, or the server was silent. Calls fail without waiting.
    Failed(Problem),
}

/// One connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    /// Ends the connection.
    abandoned: Notify,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(…)")
    }
}

impl Session {
    async fn prepare(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        let lock = || {
            self.statements
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let known = lock().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        lock().insert(sql, statement.clone());
        Ok(statement)
    }

    async fn query(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, Problem> {
        let statement = self.prepare(sql).await?;
        Ok(self.client.query(&statement, params).await?)
    }

    /// Sends a whole transaction at once. Must run on the thread of the connections: no other call comes between its
    /// statements, because they are sent before the first of them is waited for.
    ///
    /// Each response is checked: COMMIT after a failed statement reports no error, and rolls back.
    async fn transaction(
        &self,
        begin: &str,
        statements: &[(&'static str, Params<'_>)],
    ) -> Result<Vec<Vec<Row>>, Problem> {
        let mut prepared = Vec::new();
        for (sql, params) in statements {
            prepared.push((self.prepare(sql).await?, *params));
        }
        let queries = prepared
            .iter()
            .map(|(statement, params)| self.client.query(statement, params));
        let (started, rows, committed) = join3(
            self.client.batch_execute(begin),
            join_all(queries),
            self.client.batch_execute("COMMIT"),
        )
        .await;
        started?;
        let rows = rows.into_iter().collect::<Result<Vec<_>, _>>()?;
        committed?;
        Ok(rows)
    }
}

impl Link {
    pub(super) fn new(outage: Arc<Outage>) -> Self {
        Self {
            state: watch::Sender::new(State::Connecting),
            outage,
        }
    }

    /// Keeps the connection, and never ends.
    pub(super) async fn run(&self, target: &Target) {
        let mut pause = FIRST_PAUSE;
        loop {
            match connect(target).await {
                Ok(Connection {
                    client, mut driver, ..
                }) => {
                    pause = FIRST_PAUSE;
                    self.outage.end();
                    let session = Arc::new(Session {
                        client,
                        statements: Mutex::default(),
                        abandoned: Notify::new(),
                    });
                    self.state
                        .send_replace(State::Connected(Arc::clone(&session)));
                    let abandoned = std::pin::pin!(session.abandoned.notified());
                    if let Either::Left((ended, _)) = select(&mut driver.0, abandoned).await {
                        self.state.send_replace(State::Connecting);
                        self.outage.log(&match ended {
                            Ok(Err(error)) => Problem::from(error),
                            Ok(Ok(())) | Err(_) => Problem::Lost("it was closed".to_owned()),
                        });
                    }
                }
                Err(problem) => {
                    self.outage.log(&problem);
                    self.state.send_replace(State::Failed(problem));
                    let ended = self.outage.ends_within(jittered(pause)).await;
                    pause = if ended {
                        FIRST_PAUSE
                    } else {
                        LONGEST_PAUSE.min(2 * pause)
                    };
                }
            }
        }
    }

    /// Returns the connection. Waits for one that has just broken, but not if the last attempt to connect failed.
    async fn session(&self) -> Result<Arc<Session>, Problem> {
        self.next_session(|_problem| false).await
    }

    /// Returns the connection. Waits for several attempts to connect.
    pub(super) async fn patient_session(&self) -> Result<Arc<Session>, Problem> {
        match timeout(PATIENCE, self.next_session(|_problem| true)).await {
            Ok(session) => session,
            Err(_elapsed) => self.session().await,
        }
    }

    async fn next_session(&self, waits: fn(&Problem) -> bool) -> Result<Arc<Session>, Problem> {
        let mut states = self.state.subscribe();
        loop {
            let state = states.borrow_and_update().clone();
            match state {
                State::Connected(session) if !session.client.is_closed() => return Ok(session),
                State::Failed(problem) if !waits(&problem) => return Err(problem),
                State::Failed(_) | State::Connected(_) | State::Connecting => {}
            }
            if states.changed().await.is_err() {
                return Err(Problem::Lost("the store is closed".to_owned()));
            }
        }
    }

    /// Ends a connection whose next response would belong to an abandoned call. Calls fail until there is another one.
    pub(super) fn abandon(&self, problem: &Problem) {
        self.state.send_if_modified(|state| {
            let State::Connected(session) = state else {
                return false;
            };
            session.abandoned.notify_one();
            *state = State::Failed(problem.clone());
            true
        });
    }

    /// Limits the time of each call.
    pub(super) fn within(&self, limit: Duration) -> Limited<'_> {
        Limited { link: self, limit }
    }

    async fn query(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, Problem> {
        self.session().await?.query(sql, params).await
    }

    /// Reads on the connection that is there now.
    pub(super) async fn read_once(
        &self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Problem> {
        let state = self.state.borrow().clone();
        match state {
            State::Connected(session) => session.query(sql, params).await,
            State::Failed(problem) => Err(problem),
            State::Connecting => Err(Problem::Lost("there is no connection yet".to_owned())),
        }
    }
}

impl Limited<'_> {
    /// Waits for a call. If it takes too long, the connection is abandoned.
    async fn wait_for<T>(
        self,
        call: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        timeout(self.limit, call).await.unwrap_or_else(|_elapsed| {
            let problem = Problem::Silent(self.limit);
            self.link.abandon(&problem);
            Err(problem)
        })
    }

    /// Reads. A read whose connection broke runs again on the next one.
    pub(super) async fn read(
        self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Problem> {
        match self.wait_for(self.link.query(sql, params)).await {
            Err(Problem::Lost(_)) => self.wait_for(self.link.query(sql, params)).await,
            result => result,
        }
    }

    /// Runs one statement, once: if the connection breaks, it may have been committed.
    pub(super) async fn write(
        self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Problem> {
        let mut attempt = 1;
        loop {
            let query = async { self.link.patient_session().await?.query(sql, params).await };
            match self.wait_for(query).await {
                Err(problem) if problem.is_conflict() && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// Runs statements in one transaction, and returns the rows of each. `begin` begins it.
    pub(super) async fn transaction(
        self,
        begin: &str,
        statements: &[(&'static str, Params<'_>)],
    ) -> Result<Vec<Vec<Row>>, Problem> {
        let mut attempt = 1;
        loop {
            let run = async {
                let session = self.link.patient_session().await?;
                session.transaction(begin, statements).await
            };
            match self.wait_for(run).await {
                Err(problem) if problem.is_conflict() && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }
}

/// Varies a pause by half, so that nodes do not connect in step.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX))
}
