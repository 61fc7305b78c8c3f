//! Faults of the network and of the database. None makes a node accept a revoked session, or reject a live one.

use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::sleep;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::session::SessionStatus;
use crate::store::contract::{log_out, login};
use crate::store::database::Database;
use crate::store::interface::{Error, Login, Store};
use crate::store::postgres::tests::proxy::{Mode, Proxy};
use crate::store::postgres::tests::schema::{Schema, cached, server};

/// Two nodes on one database. The first one is connected through a proxy.
pub(super) struct Pair {
    pub(super) schema: Schema,
    pub(super) proxy: Proxy,
    pub(super) a: Arc<dyn Store>,
    pub(super) b: Arc<dyn Store>,
}

impl Pair {
    pub(super) async fn start(stale_milliseconds: u64) -> Option<Self> {
        let schema = Schema::create().await?;
        let server = server()?;
        let proxy = Proxy::start(&server).await;
        let mut database: Database = schema.url_at(&proxy.url(&server)).into();
        database.max_staleness = Duration::from_millis(stale_milliseconds);
        Some(Self {
            a: cached(&database).await,
            b: schema.node().await,
            proxy,
            schema,
        })
    }

    /// Logs a user in, and has the session cached by both nodes.
    pub(super) async fn log_in(&self, user: u8) -> Login {
        let login = login(user, 0);
        self.b.log_in(login.clone()).await.unwrap();
        for node in [&self.a, &self.b] {
            for _until_cached in 0..3 {
                assert!(status(node, &login).await.unwrap().is_some());
            }
        }
        login
    }

    /// Reads the session by the first node until the database can be reached again.
    pub(super) async fn recover(&self, login: &Login, limit: Duration) -> Option<SessionStatus> {
        let start = Instant::now();
        loop {
            match status(&self.a, login).await {
                Ok(status) => return status,
                Err(error) => assert!(start.elapsed() < limit, "{error:?}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(super) async fn status(
    node: &Arc<dyn Store>,
    login: &Login,
) -> Result<Option<SessionStatus>, Error> {
    node.session_status(login.digest).await
}

async fn end(node: &Arc<dyn Store>, login: &Login) {
    assert_eq!(log_out(&**node, login).await, 1);
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

#[actix_rt::test]
async fn cut_connections_reject_no_live_session_and_accept_no_revoked_one() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    for user in 0..10 {
        let (live, revoked) = (pair.log_in(user).await, pair.log_in(user).await);
        pair.proxy.cut();
        end(&pair.b, &revoked).await;
        assert_eq!(pair.recover(&revoked, 5 * SECOND).await, None);
        assert!(pair.recover(&live, 5 * SECOND).await.is_some());
    }
}

/// Another process logs a session out while the connections of this node are away.
#[actix_rt::test]
async fn a_revocation_during_an_outage_is_known_afterwards() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    let (live, revoked) = (pair.log_in(1).await, pair.log_in(2).await);
    pair.proxy.set(Mode::Refuse);
    pair.proxy.cut();
    end(&pair.b, &revoked).await;
    for login in [&live, &revoked] {
        let start = Instant::now();
        assert!(status(&pair.a, login).await.is_err(), "the cache was used");
        assert!(start.elapsed() < 2 * SECOND);
    }
    let login = login(3, 0);
    assert!(pair.a.log_in(login).await.is_err());
    pair.proxy.set(Mode::Pass);
    assert!(pair.recover(&live, 5 * SECOND).await.is_some());
    assert_eq!(pair.recover(&revoked, 5 * SECOND).await, None);
}

#[actix_rt::test]
async fn a_silent_database_is_an_error_after_a_second() {
    for (stale, limit) in [(0, 1500), (1000, 2500)] {
        let Some(pair) = Pair::start(stale).await else {
            return;
        };
        let login = pair.log_in(1).await;
        pair.proxy.set(Mode::Freeze);
        let frozen = Instant::now();
        let trusted = Duration::from_millis(stale);
        while status(&pair.a, &login).await.is_ok() {
            assert!(frozen.elapsed() <= trusted, "{:?}", frozen.elapsed());
            sleep(Duration::from_millis(5)).await;
        }
        let elapsed = frozen.elapsed();
        assert!(elapsed < Duration::from_millis(limit), "{elapsed:?}");
        let again = Instant::now();
        assert!(status(&pair.a, &login).await.is_err());
        assert!(again.elapsed() < 2 * SECOND, "{:?}", again.elapsed());
        let probe = Instant::now();
        assert!(pair.a.probe(Timestamp::UNIX_EPOCH).await.is_err());
        assert!(probe.elapsed() < 2 * SECOND, "{:?}", probe.elapsed());
        pair.proxy.set(Mode::Pass);
        assert!(pair.recover(&login, 5 * SECOND).await.is_some());
    }
}

/// The database is silent for one node only. A session is logged out on the other one.
#[actix_rt::test]
async fn a_node_that_is_cut_off_accepts_no_revoked_session_after_its_limit() {
    for stale in [0, 400] {
        let Some(pair) = Pair::start(stale).await else {
            return;
        };
        let login = pair.log_in(1).await;
        pair.proxy.set(Mode::Freeze);
        end(&pair.b, &login).await;
        let revoked = Instant::now();
        let limit = Duration::from_millis(stale);
        while revoked.elapsed() < 3 * SECOND {
            let start = revoked.elapsed();
            if let Ok(Some(_)) = status(&pair.a, &login).await {
                assert!(start <= limit, "accepted {start:?} after the logout");
            }
            sleep(Duration::from_millis(2)).await;
        }
        pair.proxy.set(Mode::Pass);
        assert_eq!(pair.recover(&login, 5 * SECOND).await, None);
    }
}

/// The transaction is committed, and its reply is lost.
#[actix_rt::test]
async fn a_login_in_doubt_is_an_error() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    for user in 0..10 {
        // Prepares the statements on both connections.
        pair.a.log_in(login(user, 0)).await.unwrap();
    }
    pair.proxy.set(Mode::Swallow);
    let in_doubt = login(1, 1);
    let (node, login) = (Arc::clone(&pair.a), in_doubt.clone());
    let reply = actix_rt::spawn(async move { node.log_in(login).await });
    let start = Instant::now();
    while pair.b.find(in_doubt.digest).await.unwrap().is_none() {
        assert!(start.elapsed() < 5 * SECOND, "it was not committed");
        sleep(Duration::from_millis(5)).await;
    }
    pair.proxy.cut();
    pair.proxy.set(Mode::Pass);
    assert!(matches!(reply.await.unwrap(), Err(Error::Failed(_))));
    assert!(pair.recover(&in_doubt, 5 * SECOND).await.is_some());
}

#[actix_rt::test]
async fn a_restart_of_the_database_loses_no_login() {
    let Some(pair) = Pair::start(0).await else {
        return;
    };
    for round in 0..10 {
        let login = pair.log_in(round).await;
        // Ends the connections as a restart does.
        pair.schema
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE pid <> pg_backend_pid() AND query LIKE '%revocation%'",
            )
            .await;
        assert!(pair.recover(&login, 5 * SECOND).await.is_some());
    }
}

#[actix_rt::test]
async fn concurrent_logins_share_commits_and_no_failure() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let node = schema.node().await;
    let taken = login(0, 0);
    node.log_in(taken.clone()).await.unwrap();
    let mut logins: Vec<_> = (0..=255).map(|user| login(user, 1)).collect();
    logins[100].digest = taken.digest;
    let replies = join_all(logins.iter().map(|login| node.log_in(login.clone()))).await;
    for (index, reply) in replies.iter().enumerate() {
        assert_eq!(reply.is_err(), index == 100, "{index}: {reply:?}");
    }
    let others = (0..=255).map(|user| node.log_in(login(user, 2)));
    assert!(join_all(others).await.iter().all(Result::is_ok));
    let commits = "SELECT count(DISTINCT xmin::text) FROM session WHERE created_at % 10000 = 2000";
    let client = schema.connect().await;
    let commits: i64 = client.query_one(commits, &[]).await.unwrap().get(0);
    assert!(commits < 64, "{commits} commits for 256 logins");
}

/// Another program holds a lock on one user.
#[actix_rt::test]
async fn a_locked_user_delays_no_other_login_for_long() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let node = schema.node().await;
    node.log_in(login(40, 0)).await.unwrap();
    let other = schema.connect().await;
    let lock = "BEGIN; SELECT * FROM account FOR UPDATE";
    other.batch_execute(lock).await.unwrap();
    let logins = (0..64).map(|user| {
        let (node, login) = (Arc::clone(&node), login(user, 1));
        async move {
            let start = Instant::now();
            (node.log_in(login).await, start.elapsed())
        }
    });
    for (user, (reply, elapsed)) in join_all(logins).await.into_iter().enumerate() {
        assert_eq!(reply.is_err(), user == 40, "{user}: {reply:?}");
        assert!(elapsed < Duration::from_millis(3500), "{user}: {elapsed:?}");
    }
    other.batch_execute("COMMIT").await.unwrap();
    node.log_in(login(40, 2)).await.unwrap();
}

/// Makes each login of this schema fail with this SQLSTATE, for the given number of times.
async fn fail(schema: &Schema, code: &str, times: u32) {
    schema
        .run(&format!(
            "CREATE SEQUENCE attempts;
             CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('attempts') <= {times} THEN
                     RAISE EXCEPTION 'simulated failure' USING ERRCODE = '{code}';
                 END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER fail BEFORE INSERT ON session FOR EACH ROW EXECUTE FUNCTION fail()"
        ))
        .await;
}

#[actix_rt::test]
async fn a_deadlock_is_tried_again_and_a_full_disk_is_not() {
    for (code, times, succeeds) in [("40P01", 2, true), ("40P01", 3, false), ("53100", 1, false)] {
        let Some(schema) = Schema::create().await else {
            return;
        };
        let node = schema.node().await;
        fail(&schema, code, times).await;
        let reply = node.log_in(login(1, 0)).await;
        assert_eq!(reply.is_ok(), succeeds, "{code} {times} times: {reply:?}");
        if let Err(Error::Failed(cause)) = reply {
            assert!(cause.to_string().contains(code), "{cause}");
        }
        node.log_in(login(1, 1)).await.unwrap();
    }
}

/// PostgreSQL ends a statement that takes too long. The other logins of the batch are committed without it.
#[actix_rt::test]
async fn a_slow_login_fails_alone() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let node = schema.node().await;
    let slow = "CREATE SEQUENCE attempts;
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('attempts') = 1 THEN
                PERFORM pg_sleep(20);
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER wait BEFORE INSERT ON session FOR EACH ROW EXECUTE FUNCTION wait()";
    schema.run(slow).await;
    let replies = join_all((0..8).map(|user| node.log_in(login(user, 0)))).await;
    let errors = replies.into_iter().filter_map(Result::err);
    let errors: Vec<_> = errors.map(|error| format!("{error:?}")).collect();
    assert!(errors.len() <= 1, "{errors:?}");
    assert!(
        errors.iter().all(|error| error.contains("57014")),
        "{errors:?}"
    );
}

#[actix_rt::test]
async fn too_few_connections_are_reported() {
    let Some(schema) = Schema::create().await else {
        return;
    };
    let role = schema.name();
    let create = format!(
        "CREATE ROLE {role} LOGIN CONNECTION LIMIT 3; GRANT ALL ON SCHEMA {role} TO {role}"
    );
    schema.run(&create).await;
    let url = schema.url().replacen("weapp@", &format!("{role}@"), 1);
    let error = super::schema::open(&url.into()).await.unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("too many connections for role"),
        "{message}"
    );
    schema
        .run(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"))
        .await;
}
