//! What counts for all identities of a user.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::identity::{AppId, KeyedDigest, UserId};
use crate::session::{Block, ProfileChange, Sealed};
use crate::store::accounts::{UserKey, UserQuery};
use crate::store::contract::people::{app, conflict, conflicts, digests, found, login_of};
use crate::store::contract::{at, exists, log_in};
use crate::store::interface::{KeptNumber, Revocation, Store};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_block_is_for_all_identities(&*fresh().await).await;
    sessions_and_data_are_those_of_the_user(&*fresh().await).await;
    a_deleted_user_leaves_no_identity(&*fresh().await).await;
    lists_and_numbers_have_each_user_once(&*fresh().await).await;
}

pub(super) fn block() -> Block {
    Block {
        at: at(0),
        reason: None,
    }
}

async fn a_block_is_for_all_identities(store: &dyn Store) {
    let (first, linked) = (login_of(1, 0, &[9]), login_of(2, 0, &[9]));
    let user = log_in(store, &first).await.id;
    log_in(store, &linked).await;
    let of_identity = store.block_user(linked.user_if_new, block()).await;
    assert_eq!(of_identity.unwrap(), None);
    assert_eq!(store.block_user(user, block()).await.unwrap(), Some(2));
    for blocked in [
        login_of(1, 1, &[9]),
        login_of(2, 1, &[]),
        login_of(3, 1, &[9]),
        login_of(3, 2, &[]),
    ] {
        let logged_in = store.log_in(blocked.clone()).await.unwrap();
        assert!(!logged_in.is_new);
        assert_eq!(logged_in.user.id, user);
        assert_eq!(logged_in.user.block, Some(block()));
        assert!(!exists(store, blocked.digest).await);
    }
    assert!(!store.unblock_user(linked.user_if_new).await.unwrap());
    assert!(store.unblock_user(user).await.unwrap());
    let login = login_of(3, 3, &[]);
    assert_eq!(log_in(store, &login).await.block, None);
    assert!(exists(store, login.digest).await);
}

async fn sessions_and_data_are_those_of_the_user(store: &dyn Store) {
    let logins: Vec<_> = (0..5)
        .map(|seconds| login_of(1 + u8::try_from(seconds % 2).unwrap(), seconds, &[9]))
        .collect();
    let mut user = UserId([0; 16]);
    for login in &logins {
        user = log_in(store, login).await.id;
    }
    assert_eq!(user, logins[0].user_if_new);
    let sessions = store.sessions_of(user).await.unwrap();
    let sessions: Vec<_> = sessions.iter().map(|session| session.digest).collect();
    let [.., third, fourth, fifth] = logins.as_slice() else {
        panic!()
    };
    assert_eq!(sessions, [fifth.digest, fourth.digest, third.digest]);
    let mut next = login_of(2, 6, &[9]);
    next.replaces = Some(fifth.digest);
    log_in(store, &next).await;
    assert!(!exists(store, fifth.digest).await);
    let revoked = store.revoke(Revocation::Id(user, fourth.id)).await;
    assert_eq!(revoked.unwrap(), 1);
    let revoked = store.revoke(Revocation::OthersOf(user, next.digest)).await;
    assert_eq!(revoked.unwrap(), 1);
    assert_eq!(store.revoke(Revocation::AllOf(user)).await.unwrap(), 1);
    let number = || KeptNumber {
        sealed: Sealed(vec![1]),
        digest: KeyedDigest([7; 32]),
    };
    let joined = logins[1].user_if_new;
    assert!(!store.keep_phone_number(joined, number()).await.unwrap());
    assert!(store.keep_phone_number(user, number()).await.unwrap());
    let key = UserKey::PhoneNumber(digests(&[7]));
    assert_eq!(found(store, key).await, [user]);
    let next = login_of(2, 7, &[]);
    let logged_in = log_in(store, &next).await;
    assert_eq!(logged_in.phone_number, Some(Sealed(vec![1])));
    let change = ProfileChange::default();
    assert_eq!(store.change_profile(joined, change).await.unwrap(), None);
}

async fn a_deleted_user_leaves_no_identity(store: &dyn Store) {
    let [kept, _other] = conflict(store).await;
    let linked = login_of(3, 3, &[9]);
    assert_eq!(log_in(store, &linked).await.id, kept);
    assert_eq!(store.delete_user(linked.user_if_new).await.unwrap(), []);
    let deleted = store.delete_user(kept).await.unwrap();
    assert_eq!(deleted, [kept, linked.user_if_new]);
    assert!(!exists(store, linked.digest).await);
    assert_eq!(conflicts(store).await, []);
    assert_eq!(found(store, UserKey::Person(digests(&[9]))).await, []);
    assert_eq!(found(store, UserKey::Id(linked.user_if_new)).await, []);
    assert_eq!(store.identities_of(kept).await.unwrap(), []);
    let next = login_of(3, 4, &[]);
    let logged_in = store.log_in(next.clone()).await.unwrap();
    assert!(logged_in.is_new);
    assert_eq!(logged_in.user.id, next.user_if_new);
}

async fn lists_and_numbers_have_each_user_once(store: &dyn Store) {
    let user = log_in(store, &login_of(1, 0, &[9])).await.id;
    log_in(store, &login_of(2, 1, &[9])).await;
    let other = log_in(store, &login_of(3, 2, &[])).await.id;
    let list = async |app: Option<AppId>| {
        let query = UserQuery {
            app,
            limit: 10,
            window: 10,
            ..UserQuery::default()
        };
        let page = store.list_users(query).await.unwrap();
        page.users.iter().map(|user| user.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, [other, user]);
    assert_eq!(list(Some(app(1))).await, [user]);
    assert_eq!(list(Some(app(2))).await, [user]);
    assert_eq!(list(Some(app(3))).await, [other]);
    assert_eq!(list(Some(app(4))).await, []);
    let idle = SignedDuration::from_hours(1);
    let day = jiff::civil::date(2027, 1, 1);
    let numbers = store.statistics(at(3), idle, day).await.unwrap();
    assert_eq!((numbers.users, numbers.sessions), (2, 3));
}
