//! The contract of a store, as tests that run against each backend.

mod accounts;
mod alternating;
mod events;
mod identities;
mod ledger;
mod logins;
mod merges;
mod nodes;
mod people;
mod people_of_nodes;
mod sessions;
mod sweeps;
mod users;

use std::sync::Arc;

use jiff::Timestamp;

use crate::identity::{AppId, Subject, UserId};
use crate::session::{
    Change, Device, ProfileChange, Sealed, SessionId, SessionStatus, Token, TokenDigest, User,
};
use crate::store::interface::{Error, Login, Revocation, Store};

pub(super) use alternating::alternating;
pub(super) use events::check_without as check_without_events;
pub(super) use nodes::{check_nodes, check_revocations};
pub(super) use sweeps::sweep_proven;

/// Runs the whole contract. `fresh` must return an empty store that records events.
pub(super) async fn check(fresh: impl AsyncFn() -> Arc<dyn Store>) {
    logins::check(&fresh).await;
    sessions::check(&fresh).await;
    users::check(&fresh).await;
    accounts::check(&fresh).await;
    sweeps::check(&fresh).await;
    ledger::check(&fresh).await;
    events::check(&fresh).await;
    people::check(&fresh).await;
    identities::check(&fresh).await;
    merges::check(&fresh).await;
    a_probe_leaves_nothing_behind(&*fresh().await).await;
    a_closed_store_returns_an_error(&*fresh().await).await;
}

const START: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

/// Returns a login of the user with this number, `seconds` after the start, for an hour.
pub(super) fn login(user: u8, seconds: i64) -> Login {
    let token = Token::generate().unwrap();
    let mut id = [user; 16];
    getrandom::fill(&mut id[1..]).unwrap();
    Login {
        subject: Subject([user; 32]),
        openid: Sealed(vec![user, 1]),
        unionid: Some(Sealed(vec![user, 2])),
        person: Vec::new(),
        user_if_new: UserId(id),
        app: AppId::new("wx0123456789abcdef"),
        digest: token.digest(),
        id: SessionId::generate().unwrap(),
        device: Device::new("iPhone · WeChat 8.0.50 · iOS 17.1"),
        session_keys: token.seal("key").unwrap(),
        now: at(seconds),
        expires_at: at(seconds + 3600),
        sessions_per_user: 3,
        replaces: None,
    }
}

async fn log_in(store: &dyn Store, login: &Login) -> User {
    store.log_in(login.clone()).await.unwrap().user
}

async fn log_in_each<'a>(store: &dyn Store, logins: impl IntoIterator<Item = &'a Login>) {
    for login in logins {
        log_in(store, login).await;
    }
}

/// Ends the session of a login. Returns the number of ended sessions.
pub(super) async fn log_out(store: &dyn Store, login: &Login) -> usize {
    let revocation = Revocation::Session(login.digest);
    store.revoke(revocation).await.unwrap()
}

/// Sets only the nickname.
pub(super) fn named(nickname: &str) -> ProfileChange {
    ProfileChange {
        nickname: Change::Set(nickname.to_owned()),
        ..ProfileChange::default()
    }
}

/// Returns `true` if the session exists. Checks that a cached status, too, equals what is stored.
async fn exists(store: &dyn Store, digest: TokenDigest) -> bool {
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

/// Returns for each login whether its session exists.
async fn existing(store: &dyn Store, logins: &[Login]) -> Vec<bool> {
    let mut existing = Vec::new();
    for login in logins {
        existing.push(exists(store, login.digest).await);
    }
    existing
}

async fn a_probe_leaves_nothing_behind(store: &dyn Store) {
    let login = login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    for seconds in [1, -1, 1] {
        store.probe(at(seconds)).await.unwrap();
    }
    assert_eq!(store.count_sessions().await.unwrap(), 1);
    assert!(exists(store, login.digest).await);
}

async fn a_closed_store_returns_an_error(store: &dyn Store) {
    store.probe(at(0)).await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.probe(at(0)).await, Err(Error::Closed)));
    let found = store.find(login(1, 0).digest).await;
    assert!(matches!(found, Err(Error::Closed)));
    let logged_in = store.log_in(login(1, 0)).await;
    assert!(matches!(logged_in, Err(Error::Closed)));
}
