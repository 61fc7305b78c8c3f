//! What every store must do, as tests that each backend runs.
//!
//! Knows the trait and its promises. Never knows a backend.

mod account;
mod ledger;

use jiff::{SignedDuration, Timestamp};

use crate::identity::{AppId, Subject, UserId};
use crate::session::{Device, Profile, Sealed, SessionId, SessionStatus, Token, TokenDigest};
use crate::store::{Error, Login, Revocation, Store, Update};

/// Runs the whole contract against stores that `fresh` makes, each of them empty.
pub(super) async fn holds<S: Store>(fresh: impl Fn() -> S) {
    a_login_is_found_again_as_it_was(&fresh()).await;
    a_user_is_found_again_by_subject(&fresh()).await;
    a_missing_unionid_leaves_the_kept_one(&fresh()).await;
    the_oldest_session_goes_when_there_are_too_many(&fresh()).await;
    another_users_sessions_stay(&fresh()).await;
    a_use_is_noted_and_never_moves_back(&fresh()).await;
    an_ended_session_never_comes_back(&fresh()).await;
    a_sweep_takes_what_is_over_and_nothing_else(&fresh()).await;
    a_login_under_a_taken_digest_leaves_nothing(&fresh()).await;
    parallel_logins_all_succeed(&fresh()).await;
    sessions_are_counted(&fresh()).await;
    account::holds(&fresh).await;
    ledger::holds(&fresh).await;
    a_closed_store_says_so(&fresh()).await;
}

const START: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

/// A login of the user with this number, `seconds` after the start, for an hour.
pub(super) fn login(user: u8, seconds: i64) -> Login {
    let token = Token::generate().unwrap();
    let mut id = [user; 16];
    getrandom::fill(&mut id[1..]).unwrap();
    Login {
        subject: Subject([user; 32]),
        openid: Sealed(vec![user, 1]),
        unionid: Some(Sealed(vec![user, 2])),
        user_if_new: UserId(id),
        app: AppId::new("wx0123456789abcdef"),
        digest: token.digest(),
        id: SessionId::generate().unwrap(),
        device: Device::new("iPhone · WeChat 8.0.50 · iOS 17.1"),
        session_keys: token.seal("key").unwrap(),
        now: at(seconds),
        expires_at: at(seconds + 3600),
        sessions_per_user: 3,
    }
}

/// Whether there is such a session, by both ways of asking; the second time its status may come from memory.
async fn lives(store: &dyn Store, digest: TokenDigest) -> bool {
    let found = store.find(digest).await.unwrap();
    let expected = found.as_ref().map(|(session, user)| SessionStatus {
        user: user.id,
        user_created_at: user.created_at,
        app: session.app.clone(),
        created_at: session.created_at,
        expires_at: session.expires_at,
        last_seen: session.last_seen,
    });
    for _ in 0..3 {
        assert_eq!(store.session_status(digest).await.unwrap(), expected);
    }
    found.is_some()
}

async fn sessions_are_counted(store: &dyn Store) {
    assert_eq!(store.count_sessions().await.unwrap(), 0);
    let logins = [login(1, 0), login(1, 1), login(2, 2)];
    for login in &logins {
        store.log_in(login.clone()).await.unwrap();
    }
    assert_eq!(store.count_sessions().await.unwrap(), 3);
    store
        .revoke(Revocation::Session(logins[0].digest))
        .await
        .unwrap();
    assert_eq!(store.count_sessions().await.unwrap(), 2);
}

async fn a_login_is_found_again_as_it_was(store: &dyn Store) {
    let login = login(1, 0);
    let logged_in = store.log_in(login.clone()).await.unwrap();
    assert!(logged_in.is_new);
    let (session, user) = store.find(login.digest).await.unwrap().unwrap();
    assert_eq!(user, logged_in.user);
    assert_eq!(
        (user.id, user.subject, user.created_at),
        (login.user_if_new, login.subject, at(0))
    );
    assert_eq!((user.openid, user.unionid), (login.openid, login.unionid));
    assert_eq!((session.user, session.app), (login.user_if_new, login.app));
    assert_eq!((session.created_at, session.last_seen), (at(0), at(0)));
    assert_eq!(
        (session.expires_at, session.session_keys),
        (at(3600), login.session_keys)
    );
    assert_eq!((session.id, session.device), (login.id, login.device));
    assert_eq!(user.profile, Profile::default());
    assert!(!lives(store, Token::generate().unwrap().digest()).await);
}

async fn a_user_is_found_again_by_subject(store: &dyn Store) {
    let (first, mut second) = (login(1, 0), login(1, 5));
    second.openid = Sealed(vec![9, 9, 9]);
    let first = store.log_in(first).await.unwrap();
    let again = store.log_in(second).await.unwrap();
    assert_eq!((again.is_new, again.user.id), (false, first.user.id));
    assert_eq!(again.user.created_at, at(0), "the user's first login stays");
    assert_eq!(
        again.user.openid,
        Sealed(vec![9, 9, 9]),
        "sealed anew at every login"
    );
    let other = store.log_in(login(2, 6)).await.unwrap();
    assert_eq!(
        (other.is_new, other.user.id == first.user.id),
        (true, false)
    );
}

async fn a_missing_unionid_leaves_the_kept_one(store: &dyn Store) {
    let mut without = login(1, 0);
    without.unionid = None;
    assert_eq!(
        store.log_in(without.clone()).await.unwrap().user.unionid,
        None
    );
    let with = login(1, 1);
    assert_eq!(
        store.log_in(with.clone()).await.unwrap().user.unionid,
        with.unionid
    );
    without.digest = Token::generate().unwrap().digest();
    assert_eq!(
        store.log_in(without).await.unwrap().user.unionid,
        with.unionid
    );
}

async fn the_oldest_session_goes_when_there_are_too_many(store: &dyn Store) {
    let logins: Vec<_> = [3, 1, 2, 2, 2].map(|seconds| login(1, seconds)).into();
    for login in &logins {
        store.log_in(login.clone()).await.unwrap();
    }
    let mut alive = Vec::new();
    for login in &logins {
        alive.push(lives(store, login.digest).await);
    }
    assert_eq!(alive, [true, false, false, true, true]);
    // The newest login is never the one that goes, even on a clock that went back.
    let back = login(1, -100);
    store.log_in(back.clone()).await.unwrap();
    assert!(lives(store, back.digest).await);
}

async fn another_users_sessions_stay(store: &dyn Store) {
    let other = login(2, 0);
    store.log_in(other.clone()).await.unwrap();
    for seconds in 1..=5 {
        store.log_in(login(1, seconds)).await.unwrap();
    }
    assert!(lives(store, other.digest).await);
}

async fn a_use_is_noted_and_never_moves_back(store: &dyn Store) {
    let login = login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    for (noted, seen) in [(10, 10), (5, 10), (11, 11)] {
        let used = Update::Used(at(noted));
        assert!(store.update(login.digest, used).await.unwrap());
        let (session, _user) = store.find(login.digest).await.unwrap().unwrap();
        assert_eq!(session.last_seen, at(seen));
    }
}

async fn an_ended_session_never_comes_back(store: &dyn Store) {
    let login = login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    let revocation = Revocation::Session(login.digest);
    assert_eq!(store.revoke(revocation).await.unwrap(), 1);
    assert_eq!(store.revoke(revocation).await.unwrap(), 0, "ended twice");
    for update in [Update::Used(at(1)), Update::SessionKeys(Sealed(vec![1]))] {
        assert!(!store.update(login.digest, update).await.unwrap());
    }
    assert!(!lives(store, login.digest).await);
}

async fn a_sweep_takes_what_is_over_and_nothing_else(store: &dyn Store) {
    let (expired, idle, live) = (login(1, -3600), login(2, -60), login(3, -59));
    for login in [&expired, &idle, &live] {
        store.log_in(login.clone()).await.unwrap();
    }
    let used = Update::Used(at(-1));
    store.update(expired.digest, used).await.unwrap();
    let minute = SignedDuration::from_secs(60);
    assert_eq!(store.sweep(at(-1), minute).await.unwrap(), 0);
    assert_eq!(store.sweep(at(0), minute).await.unwrap(), 2);
    assert!(!lives(store, expired.digest).await && !lives(store, idle.digest).await);
    assert!(lives(store, live.digest).await);
}

async fn a_login_under_a_taken_digest_leaves_nothing(store: &dyn Store) {
    let first = login(1, 0);
    store.log_in(first.clone()).await.unwrap();
    let mut thief = login(2, 1);
    thief.digest = first.digest;
    assert!(matches!(store.log_in(thief).await, Err(Error::Failed(_))));
    let (session, _user) = store.find(first.digest).await.unwrap().unwrap();
    assert_eq!(session.user, first.user_if_new);
    assert!(
        store.log_in(login(2, 2)).await.unwrap().is_new,
        "the failed login left a user"
    );
}

async fn parallel_logins_all_succeed(store: &dyn Store) {
    let logins: Vec<_> = (0..64).map(|user| login(user, 0)).collect();
    let answers =
        futures_util::future::join_all(logins.iter().map(|login| store.log_in(login.clone())))
            .await;
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.is_ok_and(|answer| answer.is_new))
    );
    for login in logins {
        assert!(lives(store, login.digest).await);
    }
}

async fn a_closed_store_says_so(store: &dyn Store) {
    store.ready().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.ready().await, Err(Error::Closed)));
    assert!(matches!(
        store.find(login(1, 0).digest).await,
        Err(Error::Closed)
    ));
    assert!(matches!(
        store.log_in(login(1, 0)).await,
        Err(Error::Closed)
    ));
}
