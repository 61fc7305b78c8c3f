//! Tests of access tokens, with the simulator over a socket and one database per test. Time is an argument.

mod processes;

use std::sync::Arc;
use std::time::Duration;

use actix_rt::System;
use futures_util::future::{join, join_all, select};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::{AccessTokenCache, AccessTokens};
use crate::identity::{
    AccessTokenText, AppId, AppSecret, LoginCode, OpenId, PlatformName, SessionKey,
};
use crate::platforms::wechat::Client;
use crate::platforms::{AppCredentials, CallError, Error, HttpConfig, Reason};
use crate::settings::AppKind;
use crate::store::temporary::Folder;
use crate::store::{self, Claim, Claimed, Holder, LedgerKey, Store};
use wechat_simulator::{Clock, Endpoint, Fault, Options, Simulator};

const START: u64 = 1_800_000_000;
const LIFE: u64 = 7200;
/// A time at which a token that was fetched at 0 has expired, with some margin for the duration of a test.
const OVER: u64 = LIFE + 10;
const STABLE: Endpoint = Endpoint::StableAccessToken;
const CHECK: Endpoint = Endpoint::CheckSessionKey;
/// A call limit that suffices on a busy machine.
const PATIENT: Duration = Duration::from_secs(10);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_second(i64::try_from(START + seconds).unwrap()).unwrap()
}

/// A simulator with a virtual clock, and a folder for the database.
struct Rig {
    simulator: Simulator,
    folder: Folder,
}

/// The state of one process.
#[derive(Clone)]
struct Node {
    store: Arc<dyn Store>,
    cache: Arc<AccessTokenCache>,
    config: HttpConfig,
    app: AppCredentials,
}

impl Rig {
    async fn new() -> Self {
        let mut options = Options::new(7);
        options.clock = Clock::virtual_at(START);
        let simulator = Simulator::start(options).await.unwrap();
        let folder = Folder::new();
        Self { simulator, folder }
    }

    async fn node(&self) -> Node {
        self.node_with(PATIENT).await
    }

    /// Returns a process with its own store and cache on the shared database file.
    async fn node_with(&self, call_limit: Duration) -> Node {
        let simulator = &self.simulator;
        let app = (simulator.app_id(), AppSecret::new(simulator.app_secret()));
        Node::new(&self.url(), &simulator.base_url(), app, call_limit).await
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.folder.file("weapp.db").display())
    }

    fn fetches(&self) -> usize {
        self.requests(STABLE)
    }

    /// Returns the number of requests to an endpoint.
    fn requests(&self, endpoint: Endpoint) -> usize {
        let asked = self.simulator.requests();
        let asked = asked.iter().map(|asked| asked.endpoint);
        asked.filter(|asked| *asked == Some(endpoint)).count()
    }

    /// Delays the next fetches, so that other callers arrive meanwhile.
    fn be_slow(&self) {
        let slow = Fault::Delay {
            by: Duration::from_millis(200),
        };
        self.simulator.fail_always(STABLE, slow);
    }

    /// Logs a user in.
    async fn mei(&self, node: &Node) -> (OpenId, SessionKey) {
        let code = LoginCode::parse(self.simulator.issue_code("mei")).unwrap();
        let client = Client::new(&node.config);
        let identity = client.code_to_session(&node.app, &code).await.unwrap();
        (identity.openid, identity.session_key.unwrap())
    }
}

impl Node {
    async fn new(
        url: &str,
        base_url: &str,
        (id, secret): (&str, AppSecret),
        call_limit: Duration,
    ) -> Self {
        let store = store::open(url).await.unwrap();
        let id = AppId::new(id);
        Self {
            cache: Arc::new(AccessTokenCache::new(Arc::clone(&store), call_limit)),
            config: HttpConfig::new(PlatformName::Wechat, base_url, call_limit, call_limit)
                .unwrap(),
            app: AppCredentials {
                id,
                secret,
                kind: AppKind::MiniProgram,
            },
            store,
        }
    }

    /// Returns the instance of one worker.
    fn worker(&self) -> AccessTokens {
        AccessTokens::new(Arc::new(Client::new(&self.config)), Arc::clone(&self.cache))
    }

    async fn get(&self, seconds: u64) -> AccessTokenText {
        self.worker().get(&self.app, at(seconds)).await.unwrap()
    }

    async fn fails(&self, seconds: u64) -> CallError {
        let token = self.worker().get(&self.app, at(seconds)).await;
        token.unwrap_err()
    }

    /// Makes a call that needs a token.
    async fn check_key(&self, mei: &(OpenId, SessionKey), seconds: u64) -> Result<(), CallError> {
        let client = Client::new(&self.config);
        let check = async |token: &AccessTokenText| {
            let standing = client.check_session_key(&self.app.id, token, &mei.0, &mei.1);
            standing.await.map(drop)
        };
        let worker = self.worker();
        worker.with_token(&self.app, at(seconds), check).await
    }

    /// Takes the lease, as a process does that dies before it has a token.
    async fn claim_and_die(&self, seconds: u64, lease: Duration) {
        let mut claim = Claim {
            key: LedgerKey::of("access token", &["wechat", self.app.id.as_str()]),
            holder: Holder::generate().unwrap(),
            now: at(seconds),
            until: at(seconds).saturating_add(lease).unwrap(),
            stale: None,
        };
        let mut claimed = self.store.claim(claim).await.unwrap();
        if let Claimed::Kept { version, .. } = claimed {
            claim.stale = Some(version);
            claimed = self.store.claim(claim).await.unwrap();
        }
        assert_eq!(claimed, Claimed::Yours);
    }
}

/// Runs a number of callers on each node, one thread per node, and returns their tokens.
fn all_at_once(nodes: &[Node], callers: usize, seconds: u64) -> Vec<String> {
    let threads: Vec<_> = nodes
        .iter()
        .cloned()
        .map(|node| {
            std::thread::spawn(move || {
                let worker = node.worker();
                let calls = (0..callers).map(|_| worker.get(&node.app, at(seconds)));
                let tokens = System::new().block_on(join_all(calls));
                let tokens = tokens.into_iter().map(Result::unwrap);
                tokens
                    .map(|token| token.expose().to_owned())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let tokens = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap());
    tokens.collect()
}

#[actix_rt::test]
async fn a_token_is_fetched_once_and_survives_a_restart() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    let token = node.get(0).await;
    assert_eq!(node.get(59).await, token);
    assert_eq!(node.get(3600).await, token, "read from the store");
    node.store.close().await.unwrap();
    assert_eq!(rig.node().await.get(3601).await, token);
    assert_eq!(rig.fetches(), 1);
}

#[actix_rt::test]
async fn a_thousand_callers_with_an_expired_token_fetch_once() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    let old = node.get(0).await;
    rig.simulator.advance(Duration::from_secs(OVER));
    rig.be_slow();
    let workers = vec![node; 4];
    let tokens = all_at_once(&workers, 250, OVER);
    assert_eq!(tokens.len(), 1000);
    assert!(
        tokens
            .iter()
            .all(|token| *token == tokens[0] && token != old.expose())
    );
    assert_eq!(rig.fetches(), 2, "the first fetch and one renewal");
}

#[actix_rt::test]
async fn two_processes_on_one_store_fetch_once() {
    let rig = Rig::new().await;
    let nodes = [rig.node().await, rig.node().await];
    nodes[0].get(0).await;
    nodes[1].get(0).await;
    rig.simulator.advance(Duration::from_secs(OVER));
    rig.be_slow();
    let tokens = all_at_once(&nodes, 500, OVER);
    assert!(tokens.len() == 1000 && tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(rig.fetches(), 2, "the first fetch and one renewal");
}

#[actix_rt::test]
async fn a_dead_holder_delays_others_by_its_lease_at_most() {
    let rig = Rig::new().await;
    let nodes = [rig.node().await, rig.node().await];
    let lease = Duration::from_millis(400);
    nodes[0].claim_and_die(0, lease).await;
    let started = Instant::now();
    let tokens = all_at_once(&nodes, 10, 0);
    let waited = started.elapsed();
    assert!(waited >= lease, "{waited:?}");
    assert!(waited < lease + Duration::from_secs(2), "{waited:?}");
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(rig.fetches(), 1);
}

/// The thread that fetches ends with its runtime, during the call.
#[actix_rt::test]
async fn a_worker_that_dies_while_fetching_delays_others_by_its_lease_at_most() {
    let rig = Rig::new().await;
    let node = rig.node_with(Duration::from_secs(1)).await;
    rig.simulator.fail_next(STABLE, Fault::Silence);
    let dying = node.clone();
    let (die, aborted) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        System::new().block_on(select(Box::pin(dying.get(0)), aborted));
    });
    processes::fetched(&rig, 1).await;
    die.send(()).unwrap();
    thread.join().unwrap();
    let started = Instant::now();
    node.get(0).await;
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    assert_eq!(rig.fetches(), 2);
}

#[actix_rt::test]
async fn a_fetch_continues_when_its_caller_gives_up() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    rig.be_slow();
    let gone = timeout(Duration::from_millis(20), node.get(0)).await;
    assert!(gone.is_err(), "the caller did not give up");
    let started = Instant::now();
    let (one, other) = join(node.get(0), node.get(0)).await;
    assert_eq!(one, other);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(rig.fetches(), 1, "the others share the fetch");
}

#[actix_rt::test]
async fn a_token_is_renewed_before_its_last_five_minutes() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    let first = node.get(0).await;
    rig.simulator.advance(Duration::from_secs(LIFE - 290));
    assert_eq!(node.get(LIFE - 301).await, first);
    assert_eq!(rig.fetches(), 1);
    let second = node.get(LIFE - 290).await;
    assert_ne!(second, first);
    assert_eq!((node.get(LIFE).await, rig.fetches()), (second, 2));
}

#[actix_rt::test]
async fn an_old_token_is_used_while_none_can_be_fetched() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    let old = node.get(0).await;
    rig.simulator.fail_always(STABLE, Fault::BadGateway);
    for seconds in [290, 289, 281, 270, 1].map(|left| LIFE - left) {
        assert_eq!(node.get(seconds).await, old, "{seconds}");
    }
    assert_eq!(rig.fetches(), 4, "one fetch every ten seconds");
    let error = node.fails(OVER).await;
    assert!(matches!(
        error,
        CallError::Token(Error::InvalidReply { .. })
    ));
    rig.simulator.clear_faults(STABLE);
    rig.simulator.advance(Duration::from_secs(OVER));
    assert_ne!(node.get(OVER).await, old, "the lease was released");
}

#[actix_rt::test]
async fn an_old_token_is_used_while_another_process_renews_it() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    let old = node.get(0).await;
    node.claim_and_die(LIFE - 291, PATIENT).await;
    let started = Instant::now();
    assert_eq!(node.get(LIFE - 290).await, old);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "the caller waited"
    );
    assert_eq!(rig.fetches(), 1);
}

#[actix_rt::test]
async fn a_token_that_expires_soon_is_renewed_at_most_every_ten_seconds() {
    let rig = Rig::new().await;
    let nodes = [rig.node().await, rig.node().await];
    for (left, renewed_after) in [(1, 1), (300, 10), (305, 10), (345, 45)] {
        let start = 100_000 * left;
        let answer = format!(r#"{{"access_token":"T{left}","expires_in":{left}}}"#);
        rig.simulator.fail_always(STABLE, Fault::body(answer));
        let before = rig.fetches();
        for seconds in 0..renewed_after {
            for node in &nodes {
                assert_eq!(node.get(start + seconds).await.expose(), format!("T{left}"));
            }
        }
        assert_eq!(rig.fetches() - before, 1, "{left} s left");
        nodes[0].get(start + renewed_after + 5).await;
        assert_eq!(rig.fetches() - before, 2, "{left} s left");
    }
}

#[actix_rt::test]
async fn many_rejections_of_one_token_cause_one_renewal() {
    let rig = Rig::new().await;
    let nodes = [rig.node().await, rig.node().await];
    let mei = rig.mei(&nodes[0]).await;
    nodes[0].check_key(&mei, 0).await.unwrap();
    nodes[1].check_key(&mei, 0).await.unwrap();
    rig.simulator.first_app().invalidate_access_tokens();
    rig.be_slow();
    let calls = (0..200).map(|number| nodes[number % 2].check_key(&mei, 1));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(rig.fetches(), 2, "the first fetch and one renewal");
}

#[actix_rt::test]
async fn a_token_that_another_process_has_renewed_is_used() {
    let rig = Rig::new().await;
    let nodes = [rig.node().await, rig.node().await];
    let mei = rig.mei(&nodes[0]).await;
    let old = nodes[0].get(0).await;
    assert_eq!(nodes[1].get(0).await, old);
    rig.simulator.first_app().invalidate_access_tokens();
    nodes[0].check_key(&mei, 1).await.unwrap();
    assert_eq!(nodes[1].get(1).await, old, "still cached");
    nodes[1].check_key(&mei, 1).await.unwrap();
    assert_eq!(rig.fetches(), 2, "the first fetch and one renewal");
}

#[actix_rt::test]
async fn only_the_errcodes_of_an_invalid_token_renew_it() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    let mei = rig.mei(&node).await;
    for (errcode, renewals) in [(40001, 1), (40014, 1), (42001, 1), (40003, 0), (45011, 0)] {
        let before = node.get(0).await;
        let fetches = rig.fetches();
        rig.simulator.fail_next(CHECK, Fault::errcode(errcode));
        rig.simulator.first_app().invalidate_access_tokens();
        let outcome = node.check_key(&mei, 0).await;
        assert_eq!(outcome.is_ok(), renewals == 1, "{errcode}: {outcome:?}");
        assert_eq!(rig.fetches() - fetches, renewals, "{errcode}");
        assert_eq!(node.get(0).await != before, renewals == 1, "{errcode}");
    }
}

#[actix_rt::test]
async fn a_token_that_stays_rejected_is_renewed_once() {
    let rig = Rig::new().await;
    let nodes = [rig.node().await, rig.node().await];
    let mei = rig.mei(&nodes[0]).await;
    rig.simulator.fail_always(CHECK, Fault::errcode(40001));
    for _ in 0..20 {
        let outcome = nodes[0].check_key(&mei, 0).await;
        let Err(CallError::Call(error)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(error.reason() == Some(Reason::TokenInvalid));
    }
    assert_eq!(rig.fetches(), 2, "the first fetch and one renewal");
    assert_eq!(rig.requests(CHECK), 20, "the same token is not sent twice");
}

#[actix_rt::test]
async fn without_a_token_no_call_is_made() {
    let rig = Rig::new().await;
    let mut node = rig.node().await;
    let mei = rig.mei(&node).await;
    node.app.secret = AppSecret::new("0123456789abcdef0123456789abcdef");
    let outcome = node.check_key(&mei, 0).await;
    assert!(matches!(outcome, Err(CallError::Token(_))), "{outcome:?}");
    assert_eq!(rig.requests(CHECK), 0);
    node.store.close().await.unwrap();
    let outcome = node.check_key(&mei, 0).await;
    assert!(matches!(
        outcome,
        Err(CallError::Store(store::Error::Closed))
    ));
}

#[actix_rt::test]
async fn a_token_that_was_sealed_under_another_secret_is_replaced() {
    let rig = Rig::new().await;
    let mut node = rig.node().await;
    let token = node.get(0).await;
    node.app.secret = AppSecret::new("the secret was reset");
    node.cache = Arc::new(AccessTokenCache::new(Arc::clone(&node.store), PATIENT));
    let answer = r#"{"access_token":"another","expires_in":7200}"#;
    rig.simulator.fail_next(STABLE, Fault::body(answer));
    let another = node.get(1).await;
    assert_eq!(another.expose(), "another");
    assert_ne!(another, token);
}

#[actix_rt::test]
async fn each_app_has_its_own_token() {
    let rig = Rig::new().await;
    let (one, mut other) = (rig.node().await, rig.node().await);
    let mut app = wechat_simulator::App::named(8, "other");
    app.secret = "fedcba9876543210fedcba9876543210".to_owned();
    other.app.id = AppId::new(app.id.as_str());
    other.app.secret = AppSecret::new(app.secret.as_str());
    other.cache = Arc::clone(&one.cache);
    assert!(rig.simulator.add_app(app));
    let (mine, theirs) = (one.get(0).await, other.get(0).await);
    assert_ne!(mine, theirs);
    assert_eq!((one.get(1).await, other.get(1).await), (mine, theirs));
    assert_eq!(rig.fetches(), 2);
}

#[actix_rt::test]
async fn tokens_are_sealed_in_the_store_and_hidden_in_debug_output() {
    let rig = Rig::new().await;
    let node = rig.node().await;
    let token = node.get(0).await;
    for entry in std::fs::read_dir(rig.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let secret = token.expose().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    rig.simulator.fail_always(STABLE, Fault::errcode(40164));
    let error = node.fails(2 * LIFE).await;
    let shown = format!(
        "{token:?} {:?} {:?} {error:?} {error}",
        node.worker(),
        node.cache
    );
    assert!(!shown.contains(token.expose()), "{shown}");
    assert!(!shown.contains(rig.simulator.app_secret()), "{shown}");
}
