//! Sessions: updates, revocations, lists.

use std::sync::Arc;

use crate::identity::UserId;
use crate::session::{Sealed, SessionId};
use crate::store::contract::{at, existing, exists, log_in_each, log_out, login};
use crate::store::interface::{Login, Revocation, Store, Update};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    the_last_use_never_moves_back(&*fresh().await).await;
    the_session_keys_of_one_session_are_replaced(&*fresh().await).await;
    an_ended_session_never_comes_back(&*fresh().await).await;
    each_revocation_ends_the_sessions_it_selects(&*fresh().await).await;
    a_fresh_status_has_the_latest_use(&*fresh().await).await;
    the_sessions_of_a_user_are_listed_latest_first(&*fresh().await).await;
    sessions_are_counted(&*fresh().await).await;
}

/// Logs each of two users in twice.
async fn two_each(store: &dyn Store) -> [Login; 4] {
    let logins = [login(1, 0), login(1, 1), login(2, 0), login(2, 1)];
    log_in_each(store, &logins).await;
    logins
}

async fn the_last_use_never_moves_back(store: &dyn Store) {
    let login = login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    for (used, last_seen) in [(10, 10), (5, 10), (11, 11)] {
        let update = Update::Used(at(used));
        assert!(store.update(login.digest, update).await.unwrap());
        let (session, _user) = store.find(login.digest).await.unwrap().unwrap();
        assert_eq!(session.last_seen, at(last_seen));
    }
}

async fn the_session_keys_of_one_session_are_replaced(store: &dyn Store) {
    let logins = two_each(store).await;
    let keys = Sealed(vec![7; 40]);
    let update = Update::SessionKeys(keys.clone());
    assert!(store.update(logins[0].digest, update).await.unwrap());
    let stored = |login: &Login| {
        let digest = login.digest;
        async move { store.find(digest).await.unwrap().unwrap().0.session_keys }
    };
    assert_eq!(stored(&logins[0]).await, keys);
    assert_eq!(stored(&logins[1]).await, logins[1].session_keys);
}

async fn an_ended_session_never_comes_back(store: &dyn Store) {
    let login = login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    assert_eq!(log_out(store, &login).await, 1);
    assert_eq!(log_out(store, &login).await, 0, "ended twice");
    for update in [Update::Used(at(1)), Update::SessionKeys(Sealed(vec![1]))] {
        assert!(!store.update(login.digest, update).await.unwrap());
    }
    assert!(!exists(store, login.digest).await);
}

async fn each_revocation_ends_the_sessions_it_selects(store: &dyn Store) {
    let logins = two_each(store).await;
    let (mei, bo) = (logins[0].user_if_new, logins[2].user_if_new);
    for (revocation, ended, left) in [
        (Revocation::Id(mei, logins[2].id), 0, [true; 4]),
        (
            Revocation::Id(mei, SessionId::generate().unwrap()),
            0,
            [true; 4],
        ),
        (
            Revocation::Id(mei, logins[0].id),
            1,
            [false, true, true, true],
        ),
        (
            Revocation::OthersOf(bo, logins[2].digest),
            1,
            [false, true, true, false],
        ),
        (
            Revocation::OthersOf(bo, logins[2].digest),
            0,
            [false, true, true, false],
        ),
        (Revocation::AllOf(mei), 1, [false, false, true, false]),
        (Revocation::AllOf(mei), 0, [false, false, true, false]),
    ] {
        let revoked = store.revoke(revocation).await.unwrap();
        assert_eq!(revoked, ended, "{revocation:?}");
        assert_eq!(existing(store, &logins).await, left, "{revocation:?}");
    }
}

/// A node has cached the last use. Another node has used the session since.
async fn a_fresh_status_has_the_latest_use(store: &dyn Store) {
    let login = login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    assert!(exists(store, login.digest).await);
    let used = Update::Used(at(59));
    assert!(store.update(login.digest, used).await.unwrap());
    for _node in 0..2 {
        let status = store.fresh_status(login.digest).await.unwrap();
        assert_eq!(status.unwrap().last_seen, at(59));
        let status = store.session_status(login.digest).await.unwrap();
        assert_eq!(status.unwrap().last_seen, at(59), "the cache differs");
    }
    log_out(store, &login).await;
    for _node in 0..2 {
        assert_eq!(store.fresh_status(login.digest).await.unwrap(), None);
    }
}

async fn the_sessions_of_a_user_are_listed_latest_first(store: &dyn Store) {
    let logins = two_each(store).await;
    let user = logins[0].user_if_new;
    let sessions = store.sessions_of(user).await.unwrap();
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    assert_eq!(ids, [logins[1].id, logins[0].id]);
    let (found, _user) = store.find(logins[1].digest).await.unwrap().unwrap();
    assert_eq!(sessions[0], found);
    assert_eq!(store.sessions_of(UserId([9; 16])).await.unwrap(), []);
}

async fn sessions_are_counted(store: &dyn Store) {
    assert_eq!(store.count_sessions().await.unwrap(), 0);
    let logins = [login(1, 0), login(1, 1), login(2, 2)];
    log_in_each(store, &logins).await;
    assert_eq!(store.count_sessions().await.unwrap(), 3);
    log_out(store, &logins[0]).await;
    assert_eq!(store.count_sessions().await.unwrap(), 2);
}
