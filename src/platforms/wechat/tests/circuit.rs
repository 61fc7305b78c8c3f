//! The circuit breaker and the limiter: consecutive failures, the daily quota, too many calls in flight. The clock is virtual.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use wechat_simulator::{Endpoint, Fault, Options, Simulator};

use crate::identity::{LoginCode, PlatformName};
use crate::platforms::wechat::Client;
use crate::platforms::wechat::tests::server::{Act, Server, closed_port};
use crate::platforms::wechat::tests::{CODE, SUCCESS, app, app_with};
use crate::platforms::{
    AppCredentials, Error, HttpConfig, Identity, Limits, MAX_PAUSE, QUOTA_PAUSE, Reason, Rejection,
};

const INVALID: &str = r#"{"errcode":40029,"errmsg":"invalid code"}"#;
const QUOTA: &str = r#"{"errcode":45009,"errmsg":"reach max api daily quota limit"}"#;
/// 2026-11-23 12:00 in China.
const NOON: i64 = 1_795_406_400;
const LIMITS: Limits = Limits {
    calls_in_flight: 2,
    failures: 3,
    pause: Duration::from_secs(5),
};

/// Silence is what most of these tests wait for.
const WHOLE: Duration = Duration::from_millis(400);

/// One process: its configuration, and a clock that stands until it is moved.
struct Process {
    config: HttpConfig,
    now: Arc<AtomicI64>,
}

impl Process {
    fn new(url: &str) -> Self {
        let now = Arc::new(AtomicI64::new(NOON));
        let clock = Arc::clone(&now);
        let config = HttpConfig::new(PlatformName::Wechat, url, WHOLE / 4, WHOLE)
            .unwrap()
            .with_limits(LIMITS)
            .with_clock(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap());
        Self { config, now }
    }

    fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Logs in by a worker of its own.
    async fn log_in(&self) -> Result<Identity, Error> {
        self.log_in_to(&app()).await
    }

    async fn log_in_to(&self, app: &AppCredentials) -> Result<Identity, Error> {
        let code = LoginCode::parse(CODE).unwrap();
        Client::new(&self.config).code_to_session(app, &code).await
    }

    /// Opens the circuit with failures that follow each other.
    async fn fail(&self) {
        for _ in 0..LIMITS.failures {
            self.log_in().await.unwrap_err();
        }
    }

    /// Opens the circuit with failures of which two are concurrent.
    async fn fail_concurrently(&self) {
        futures_util::future::join_all([self.log_in(), self.log_in()]).await;
        self.log_in().await.unwrap_err();
    }
}

fn other_app() -> AppCredentials {
    app_with("wx0000000000000000", &"0".repeat(32))
}

/// The seconds that an open circuit says to wait.
#[track_caller]
fn wait_of<T: std::fmt::Debug>(outcome: Result<T, Error>) -> u64 {
    match outcome {
        Err(error @ Error::CircuitOpen { .. }) => error.retry_after().unwrap().as_secs(),
        other => panic!("{other:?} is no open circuit"),
    }
}

#[actix_web::test]
async fn failures_in_a_row_open_the_circuit_for_all_workers_and_a_success_closes_it() {
    let server = Server::replying(&["<html>", "<html>", "<html>", SUCCESS]);
    let process = Process::new(&server.url);
    for _ in 0..3 {
        let outcome = process.log_in().await;
        assert!(matches!(outcome, Err(Error::InvalidReply { .. })));
    }
    assert_eq!(wait_of(process.log_in().await), 5);
    process.wait(3);
    assert_eq!(wait_of(process.log_in().await), 2);
    assert_eq!(server.requests(), 3, "no request was sent in between");
    process.wait(2);
    assert!(process.log_in().await.is_ok());
    assert!(process.log_in().await.is_ok());
}

#[actix_web::test]
async fn each_failed_probe_doubles_the_pause_up_to_a_bound() {
    let server = Server::replying(&["<html>"]);
    let process = Process::new(&server.url);
    process.fail().await;
    for pause in [5, 10, 20, 30, 30] {
        assert_eq!(wait_of(process.log_in().await), pause);
        process.wait(i64::try_from(pause).unwrap());
        assert!(matches!(
            process.log_in().await,
            Err(Error::InvalidReply { .. })
        ));
    }
    assert_eq!(MAX_PAUSE.as_secs(), 30);
}

#[actix_web::test]
async fn a_rejected_code_does_not_count_as_a_failure() {
    let server = Server::replying(&["<html>", "<html>", INVALID, "<html>", "<html>", SUCCESS]);
    let process = Process::new(&server.url);
    for _ in 0..5 {
        assert!(!matches!(
            process.log_in().await,
            Err(Error::CircuitOpen { .. })
        ));
    }
    assert!(process.log_in().await.is_ok());
}

#[actix_web::test]
async fn every_failure_that_affects_other_calls_counts() {
    let busy = Act::json(r#"{"errcode":-1}"#);
    for act in [busy, Act::Silence, Act::ResetHeard] {
        let server = Server::start(vec![act]);
        let process = Process::new(&server.url);
        process.fail_concurrently().await;
        assert_eq!(wait_of(process.log_in().await), 5);
    }
    let (_held, url) = closed_port();
    let process = Process::new(&url);
    process.fail_concurrently().await;
    let error = process.log_in().await.unwrap_err();
    assert!(error.to_string().contains("check `base_url`"), "{error}");
    assert!(!error.may_have_been_processed());
}

#[actix_web::test]
async fn each_app_and_endpoint_has_its_own_circuit() {
    let server = Server::replying(&["<html>", "<html>", "<html>", SUCCESS]);
    let process = Process::new(&server.url);
    process.fail().await;
    wait_of(process.log_in().await);
    assert!(process.log_in_to(&other_app()).await.is_ok());
    let token = Client::new(&process.config)
        .stable_access_token(&app())
        .await;
    assert!(
        matches!(token, Err(Error::InvalidReply { .. })),
        "it was asked"
    );
}

#[actix_web::test]
async fn one_probe_runs_at_a_time_and_a_cancelled_one_blocks_no_other() {
    let mut acts = vec![Act::json("<html>"); 3];
    acts.extend([Act::Silence, Act::json(SUCCESS)]);
    let server = Server::start(acts);
    let process = Process::new(&server.url);
    process.fail().await;
    process.wait(5);
    let given_up =
        async { tokio::time::timeout(Duration::from_millis(100), process.log_in()).await };
    let meanwhile = async {
        actix_rt::time::sleep(Duration::from_millis(30)).await;
        process.log_in().await
    };
    let (given_up, meanwhile) = futures_util::future::join(given_up, meanwhile).await;
    assert!(given_up.is_err());
    assert_eq!(wait_of(meanwhile), 1);
    assert!(process.log_in().await.is_ok());
}

#[actix_web::test]
async fn after_an_exhausted_quota_one_probe_a_minute_finds_that_it_is_back() {
    let wechat = Simulator::start(Options::new(1)).await.unwrap();
    let (endpoint, used_up) = (Endpoint::Code2Session, Fault::errcode(45009));
    let app = app_with(wechat.app_id(), wechat.app_secret());
    let process = Process::new(&wechat.base_url());
    let log_in = async || {
        let code = LoginCode::parse(wechat.issue_code("mei")).unwrap();
        let client = Client::new(&process.config);
        client.code_to_session(&app, &code).await
    };
    wechat.fail_always(endpoint, used_up);
    for minutes in 1..=90 {
        let probe = log_in().await.unwrap_err();
        assert_eq!(probe.reason(), Some(Reason::QuotaExhausted), "the probe");
        for (waited, left) in [(0, 60), (30, 30), (29, 1)] {
            process.wait(waited);
            let error = log_in().await.unwrap_err();
            assert!(error.to_string().contains("45009"), "{error}");
            assert!(!error.may_have_been_processed());
            assert_eq!(error.retry_after().unwrap().as_secs(), left);
        }
        assert_eq!(wechat.requests().len(), minutes, "one call per minute");
        process.wait(1);
    }
    assert_eq!(QUOTA_PAUSE.as_secs(), 60);
    wechat.clear_faults(endpoint);
    assert!(log_in().await.is_ok());
    assert!(log_in().await.is_ok(), "for all");
}

#[actix_web::test]
async fn a_clock_that_is_set_back_does_not_keep_the_circuit_open() {
    let server = Server::replying(&[QUOTA, SUCCESS]);
    let process = Process::new(&server.url);
    process.log_in().await.unwrap_err();
    process.wait(-1);
    assert!(process.log_in().await.is_ok());
}

#[actix_web::test]
async fn a_call_beyond_the_limit_is_rejected_at_once() {
    let server = Server::start(vec![Act::Silence, Act::Silence, Act::json(SUCCESS)]);
    let process = Process::new(&server.url);
    let other = other_app();
    let waiting = futures_util::future::join(process.log_in(), process.log_in_to(&other));
    let third = async {
        actix_rt::time::sleep(Duration::from_millis(30)).await;
        let start = std::time::Instant::now();
        let outcome = process.log_in().await;
        (outcome, start.elapsed())
    };
    let (_, (outcome, elapsed)) = futures_util::future::join(waiting, third).await;
    assert_eq!(outcome, Err(Error::Overloaded));
    assert_eq!(
        outcome.unwrap_err().retry_after(),
        Some(Duration::from_secs(1))
    );
    assert!(elapsed < WHOLE / 4, "{elapsed:?}");
    assert!(process.log_in().await.is_ok(), "there is room again");
}

#[test]
fn an_open_circuit_says_for_how_long_and_why() {
    let last = Error::Rejected(Rejection {
        platform: "wechat",
        errcode: -1,
        rid: None,
        reason: Reason::Busy,
        explanation: "system error".to_owned(),
        hint: None,
    });
    let error = Error::CircuitOpen {
        retry_after: Duration::from_secs(7),
        last: Box::new(last),
    };
    let sentence = error.to_string();
    assert!(
        sentence.starts_with("the circuit breaker is open for another 7 s: "),
        "{sentence}"
    );
    assert!(sentence.contains("errcode -1"), "{sentence}");
}
