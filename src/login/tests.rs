//! The use cases against the simulator over a socket and a store of each test's own. Time is an argument.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::{Error, IdempotencyKey, LoginAttempt, LoginPolicy, Logins};
use crate::apps::{self, Apps};
use crate::identity::{AppId, AppSecret, LoginCode, PlatformName};
use crate::platforms::{AccessTokenCache, HttpConfig, PlatformConfig};
use crate::session::{Lifetimes, Token};
use crate::sessions::{self, Sessions, SweepOutcome};
use crate::store::temporary::Folder;
use crate::store::{self, Store};
use wechat_simulator::{App, Options, Simulator};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const LIFETIMES: Lifetimes = Lifetimes {
    absolute: SignedDuration::from_hours(7 * 24),
    idle: SignedDuration::from_hours(3 * 24),
    touch_after: SignedDuration::from_hours(1),
};
const PER_USER: u32 = 3;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A simulator, a store in a folder of its own, and the use cases between them.
struct Rig {
    simulator: Simulator,
    store: Arc<dyn Store>,
    apps: Arc<Apps>,
    logins: Arc<Logins>,
    sessions: Arc<Sessions>,
    _folder: Folder,
}

impl Rig {
    async fn new() -> Self {
        let mut options = Options::new(7);
        options.apps = vec![App::named(7, "main").with_open_platform("company")];
        let simulator = Simulator::start(options).await.unwrap();
        let folder = Folder::new();
        let url = format!("sqlite://{}", folder.file("weapp.db").display());
        let store = store::open(&url).await.unwrap();
        let (logins, sessions, apps) =
            use_cases(&simulator, &store, AppSecret::new(simulator.app_secret()));
        Self {
            simulator,
            store,
            apps,
            logins,
            sessions,
            _folder: folder,
        }
    }

    async fn log_in(&self, user: &str, seconds: i64) -> Token {
        self.log_in_again(user, seconds, None).await
    }

    /// Logs in with the token of the previous session.
    async fn log_in_again(&self, user: &str, seconds: i64, previous: Option<Token>) -> Token {
        let code = LoginCode::parse(self.simulator.issue_code(user)).unwrap();
        let attempt = LoginAttempt {
            previous,
            ..code.into()
        };
        let grant = self.logins.log_in(&attempt, at(seconds)).await;
        grant.unwrap().token
    }

    async fn is_live(&self, token: &Token, seconds: i64) -> bool {
        let live = self.sessions.check(token, at(seconds)).await.unwrap();
        self.sessions.settle().await;
        live.is_some()
    }
}

fn use_cases(
    simulator: &Simulator,
    store: &Arc<dyn Store>,
    secret: AppSecret,
) -> (Arc<Logins>, Arc<Sessions>, Arc<Apps>) {
    let second = Duration::from_secs(1);
    let config = HttpConfig::new(
        PlatformName::Wechat,
        &simulator.base_url(),
        second,
        3 * second,
    )
    .unwrap();
    let id = AppId::new(simulator.app_id());
    let app = apps::App::new(PlatformName::Wechat, id, secret);
    let apps = Arc::new(Apps::new([("main".to_owned(), app)]));
    let rules = LoginPolicy {
        lifetimes: LIFETIMES,
        sessions_per_user: PER_USER,
        key_history: 3,
        time_limit: SignedDuration::from_secs(10),
    };
    let access_tokens = Arc::new(AccessTokenCache::new(Arc::clone(store), second));
    let platforms = PlatformConfig {
        wechat: config,
        wechat_pages: "https://open.example.com".into(),
    }
    .platforms(&access_tokens);
    let sessions = Sessions::new(Arc::clone(store), Arc::clone(&apps), LIFETIMES);
    let sessions = Arc::new(sessions);
    let logins = Logins::new(
        platforms,
        Arc::clone(&apps),
        Arc::clone(store),
        Arc::clone(&sessions),
        rules,
    );
    (Arc::new(logins), sessions, apps)
}

#[actix_rt::test]
async fn a_login_stores_what_the_platform_sent() {
    let rig = Rig::new().await;
    let token = rig.log_in("mei", 0).await;
    let live = rig.sessions.peek(&token, at(1)).await.unwrap().unwrap();
    assert_eq!(live.openid().unwrap().expose(), rig.simulator.openid("mei"));
    assert_eq!(
        live.unionid().map(|unionid| unionid.expose().to_owned()),
        rig.simulator.unionid("mei")
    );
    assert!(
        live.unionid().is_some(),
        "the app is bound to an Open Platform account"
    );
    assert_eq!(
        live.session_key().unwrap().expose(),
        rig.simulator.session_key("mei").unwrap()
    );
    assert_eq!(
        (live.session().created_at, live.session().expires_at),
        (at(0), at(7 * DAY))
    );
}

#[actix_rt::test]
async fn a_changed_app_secret_hides_the_openid_until_the_next_login() {
    let rig = Rig::new().await;
    let token = rig.log_in("mei", 0).await;
    let (_, sessions, _) = use_cases(&rig.simulator, &rig.store, AppSecret::new("f".repeat(32)));
    let live = sessions.peek(&token, at(1)).await.unwrap().unwrap();
    assert!(live.openid().is_none() && live.unionid().is_none());
    assert!(
        live.session_key().is_some(),
        "the session key hangs on the token alone"
    );
}

#[actix_rt::test]
async fn a_session_ends_exactly_on_time() {
    let rig = Rig::new().await;
    let token = rig.log_in("mei", 0).await;
    for day in 1..7 {
        assert!(rig.is_live(&token, day * DAY).await, "day {day}");
    }
    assert!(rig.is_live(&token, 7 * DAY - 1).await);
    assert!(!rig.is_live(&token, 7 * DAY).await);
    assert!(
        rig.is_live(&token, 7 * DAY - 1).await,
        "a clock that was wrong ends no session"
    );
}

#[actix_rt::test]
async fn an_idle_session_ends_exactly_on_time() {
    let rig = Rig::new().await;
    let (used, unused) = (rig.log_in("mei", 0).await, rig.log_in("mei", 0).await);
    assert!(rig.is_live(&used, 3 * DAY - 1).await);
    assert!(!rig.is_live(&unused, 3 * DAY).await);
    assert!(rig.is_live(&used, 3 * DAY).await);
}

#[actix_rt::test]
async fn a_use_is_written_once_an_hour() {
    let rig = Rig::new().await;
    let token = rig.log_in("mei", 0).await;
    for (use_at, noted) in [
        (HOUR - 1, 0),
        (HOUR, HOUR),
        (2 * HOUR - 1, HOUR),
        (2 * HOUR, 2 * HOUR),
    ] {
        assert!(rig.is_live(&token, use_at).await);
        let (session, _user) = rig.store.find(token.digest()).await.unwrap().unwrap();
        assert_eq!(session.last_seen, at(noted), "after a use at {use_at}");
    }
}

#[actix_rt::test]
async fn a_login_over_the_limit_ends_the_oldest_session() {
    let rig = Rig::new().await;
    let mut tokens = Vec::new();
    for second in 0..=i64::from(PER_USER) {
        tokens.push(rig.log_in("mei", second).await);
    }
    let other = rig.log_in("bo", 0).await;
    assert!(!rig.is_live(&tokens[0], 10).await);
    assert!(rig.is_live(&tokens[1], 10).await && rig.is_live(&other, 10).await);
}

#[actix_rt::test]
async fn the_logins_of_one_phone_do_not_end_the_session_of_the_desktop() {
    let rig = Rig::new().await;
    let desktop = rig.log_in("mei", 0).await;
    let mut phone = rig.log_in("mei", 1).await;
    for second in 2..12 {
        let previous = phone.clone();
        phone = rig.log_in_again("mei", second, Some(phone)).await;
        assert!(!rig.is_live(&previous, second).await, "it was replaced");
        assert!(rig.is_live(&phone, second).await && rig.is_live(&desktop, second).await);
    }
    let bo = rig.log_in_again("bo", 12, Some(phone.clone())).await;
    assert!(rig.is_live(&bo, 13).await && rig.is_live(&phone, 13).await);
}

/// A clock that is a year ahead, for example when a machine starts, and is then corrected.
#[actix_rt::test]
async fn a_clock_that_was_ahead_ends_no_session_for_good() {
    const YEAR: i64 = 365 * DAY;
    let rig = Rig::new().await;
    let before = rig.log_in("mei", 0).await;
    rig.sessions.sweep(at(0)).await.unwrap();
    rig.sessions.sweep(at(DAY)).await.unwrap();
    let ahead = YEAR + DAY;
    let swept = rig.sessions.sweep(at(ahead)).await.unwrap();
    let plausible = at(DAY);
    assert_eq!(swept, SweepOutcome::ClockImplausible { plausible });
    assert!(!rig.is_live(&before, ahead).await);
    let meanwhile = rig.log_in("bo", ahead).await;
    assert!(rig.is_live(&before, DAY + 1).await, "it was deleted");
    rig.sessions.sweep(at(DAY + 1)).await.unwrap();
    assert!(rig.is_live(&meanwhile, 4 * DAY).await);
    assert!(!rig.is_live(&meanwhile, 8 * DAY + 1).await);
}

#[actix_rt::test]
async fn a_store_failure_is_reported_as_an_error() {
    let rig = Rig::new().await;
    let token = rig.log_in("mei", 0).await;
    rig.store.close().await.unwrap();
    assert!(matches!(
        rig.sessions.check(&token, at(1)).await,
        Err(sessions::Error::Store(_))
    ));
    assert!(matches!(
        rig.sessions.end(&token).await,
        Err(sessions::Error::Store(_))
    ));
}

#[actix_rt::test]
async fn an_unknown_app_is_rejected_before_wechat_is_called() {
    let rig = Rig::new().await;
    let code = LoginCode::parse(rig.simulator.issue_code("mei")).unwrap();
    let attempt = LoginAttempt {
        app: Some("other".to_owned()),
        ..code.into()
    };
    let rejected = rig.logins.log_in(&attempt, at(0)).await;
    assert!(matches!(rejected, Err(Error::AppUnknown(_))));
    assert!(rig.simulator.requests().is_empty());
    for name in ["main", rig.simulator.app_id()] {
        assert_eq!(
            rig.apps.find(Some(name)).unwrap().id().as_str(),
            rig.simulator.app_id()
        );
    }
}

#[actix_rt::test]
async fn a_grant_is_repeated_for_five_minutes_only() {
    let Rig {
        simulator, logins, ..
    } = &Rig::new().await;
    let code = LoginCode::parse(simulator.issue_code("mei")).unwrap();
    let key = IdempotencyKey::parse(b"k").unwrap();
    let log_in = |seconds| {
        let attempt = LoginAttempt::from(code.clone());
        Arc::clone(logins).log_in_once(attempt, key.clone(), at(seconds))
    };
    let first = log_in(0).await.unwrap();
    let again = log_in(299).await.unwrap();
    assert_eq!(again.token.digest(), first.token.digest());
    assert_eq!((again.user, again.is_new), (first.user, first.is_new));
    assert_eq!(simulator.requests().len(), 1);
    assert!(matches!(log_in(300).await, Err(Error::Rejected { .. })));
    assert_eq!(simulator.requests().len(), 2);
}

/// A process that dies during a login delays the others by at most the time limit of a login.
#[actix_rt::test]
async fn an_abandoned_lease_expires() {
    let rig = Rig::new().await;
    let code = rig.simulator.issue_code("mei");
    let key = IdempotencyKey::parse(b"k").unwrap();
    let claim = store::Claim {
        key: store::LedgerKey::of("login answer", &[rig.simulator.app_id(), &code, "k"]),
        holder: store::Holder::generate().unwrap(),
        now: at(0),
        until: at(10),
        stale: None,
    };
    let claimed = rig.store.claim(claim).await.unwrap();
    assert_eq!(claimed, store::Claimed::Yours);
    let attempt = LoginAttempt::from(LoginCode::parse(code).unwrap());
    let start = std::time::Instant::now();
    let waits = Arc::clone(&rig.logins).log_in_once(attempt, key, at(9));
    assert!(waits.await.unwrap().is_new);
    assert!((900..5000).contains(&start.elapsed().as_millis()));
}

#[derive(Debug, Clone)]
enum Step {
    LogIn { user: u8, previous: usize },
    Check { session: usize, back: i64 },
    LogOut { session: usize },
    Sweep,
    Wait { seconds: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        0..HOUR,
        0..2 * DAY,
        Just(HOUR),
        Just(3 * DAY),
        Just(3 * DAY - 1)
    ];
    prop_oneof![
        3 => (0..2_u8, 0..12_usize).prop_map(|(user, previous)| Step::LogIn { user, previous }),
        6 => (0..12_usize, prop_oneof![4 => Just(0), 1 => 0..4 * DAY])
            .prop_map(|(session, back)| Step::Check { session, back }),
        1 => (0..12_usize).prop_map(|session| Step::LogOut { session }),
        1 => Just(Step::Sweep),
        5 => wait.prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// A session as a careful reader of the rules would keep it.
struct Expected {
    token: Token,
    user: u8,
    created: i64,
    noted: i64,
    /// Logged out, replaced, over the limit, or swept.
    over: bool,
}

impl Expected {
    fn is_expired(&self, now: i64) -> bool {
        self.over || now >= self.created + 7 * DAY || now >= self.noted + 3 * DAY
    }
}

/// For any order of operations: a live session is accepted, and an ended session is never accepted again.
async fn play(steps: Vec<Step>) -> TestCaseResult {
    let rig = Rig::new().await;
    let (mut now, mut expected) = (0, Vec::<Expected>::new());
    for step in steps {
        match step {
            Step::Wait { seconds } => now += seconds,
            Step::LogIn { user, previous } => {
                log_in(&rig, &mut expected, user, previous, now).await;
            }
            Step::Check { session, back } => {
                if let Some(session) = expected.get_mut(session) {
                    check(&rig, session, now - back).await?;
                }
            }
            Step::LogOut { session } => {
                if let Some(session) = expected.get_mut(session) {
                    rig.sessions.end(&session.token).await.unwrap();
                    session.over = true;
                }
            }
            Step::Sweep => {
                // The second sweep has a clock that has been right for a day.
                for time in [now - DAY, now] {
                    rig.sessions.sweep(at(time)).await.unwrap();
                }
                for session in &mut expected {
                    session.over = session.is_expired(now - DAY);
                }
            }
        }
    }
    for session in expected.iter().filter(|session| session.over) {
        prop_assert!(
            !rig.is_live(&session.token, session.created).await,
            "it came back"
        );
    }
    Ok(())
}

/// Logs in with the token of an earlier session, and replaces it if it is live and the user's own.
async fn log_in(rig: &Rig, expected: &mut Vec<Expected>, user: u8, previous: usize, now: i64) {
    let mut previous = expected.get_mut(previous);
    let token = previous.as_ref().map(|session| session.token.clone());
    let token = rig.log_in_again(&user.to_string(), now, token).await;
    if let Some(replaced) = &mut previous
        && replaced.user == user
        && !replaced.is_expired(now)
    {
        replaced.over = true;
    }
    let login = Expected {
        token,
        user,
        created: now,
        noted: now,
        over: false,
    };
    expect_login(expected, login);
}

/// Adds a login, which ends the user's oldest sessions over the bound.
fn expect_login(expected: &mut Vec<Expected>, login: Expected) {
    let user = login.user;
    expected.push(login);
    let mut kept = 0;
    for session in expected
        .iter_mut()
        .rev()
        .filter(|session| session.user == user)
    {
        // Expired sessions count until they are swept.
        kept += u32::from(!session.over);
        session.over |= kept > PER_USER;
    }
}

async fn check(rig: &Rig, session: &mut Expected, time: i64) -> TestCaseResult {
    let live = rig.is_live(&session.token, time).await;
    prop_assert_eq!(live, !session.is_expired(time), "at {}", time);
    if live && time - session.noted >= HOUR {
        session.noted = time;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_ended_session_is_never_accepted_again(steps in prop::collection::vec(step(), 1..60)) {
        actix_rt::System::new().block_on(play(steps))?;
    }
}
