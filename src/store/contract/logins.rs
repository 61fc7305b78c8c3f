//! Logins: users and sessions are created together, within the session limit.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::session::{Profile, Sealed, Token};
use crate::store::contract::{at, existing, exists, log_in, log_in_each, login};
use crate::store::interface::{Error, Login, Store};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_login_is_stored_as_given(&*fresh().await).await;
    a_user_is_identified_by_subject(&*fresh().await).await;
    a_missing_unionid_leaves_the_stored_one(&*fresh().await).await;
    the_oldest_sessions_over_the_limit_are_ended(&*fresh().await).await;
    a_login_replaces_the_session_of_the_presented_token(&*fresh().await).await;
    a_login_does_not_replace_the_session_of_another_user(&*fresh().await).await;
    a_failed_login_replaces_nothing(&*fresh().await).await;
    replaced_sessions_do_not_count(&*fresh().await).await;
    the_sessions_of_other_users_are_not_ended(&*fresh().await).await;
    a_login_with_a_taken_digest_changes_nothing(&*fresh().await).await;
    parallel_logins_of_many_users_succeed(&*fresh().await).await;
    parallel_logins_of_one_user_leave_the_limit(&*fresh().await).await;
}

async fn a_login_is_stored_as_given(store: &dyn Store) {
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
    assert!(!exists(store, Token::generate().unwrap().digest()).await);
}

async fn a_user_is_identified_by_subject(store: &dyn Store) {
    let (first, mut second) = (login(1, 0), login(1, 5));
    second.openid = Sealed(vec![9, 9, 9]);
    let first = store.log_in(first).await.unwrap();
    let again = store.log_in(second).await.unwrap();
    assert_eq!((again.is_new, again.user.id), (false, first.user.id));
    assert_eq!(again.user.created_at, at(0), "time of the first login");
    assert_eq!(
        again.user.openid,
        Sealed(vec![9, 9, 9]),
        "replaced at every login"
    );
    let other = store.log_in(login(2, 6)).await.unwrap();
    assert_eq!(
        (other.is_new, other.user.id == first.user.id),
        (true, false)
    );
}

async fn a_missing_unionid_leaves_the_stored_one(store: &dyn Store) {
    let mut without = login(1, 0);
    without.unionid = None;
    assert_eq!(log_in(store, &without).await.unionid, None);
    let with = login(1, 1);
    assert_eq!(log_in(store, &with).await.unionid, with.unionid);
    without.digest = Token::generate().unwrap().digest();
    assert_eq!(log_in(store, &without).await.unionid, with.unionid);
}

async fn the_oldest_sessions_over_the_limit_are_ended(store: &dyn Store) {
    let logins: Vec<_> = [3, 1, 2, 2, 2].map(|seconds| login(1, seconds)).into();
    log_in_each(store, &logins).await;
    let expected = [true, false, false, true, true];
    assert_eq!(existing(store, &logins).await, expected);
    // The new session is never the one that is ended, even if the clock was set back.
    let back = login(1, -100);
    store.log_in(back.clone()).await.unwrap();
    assert!(exists(store, back.digest).await);
}

/// Returns a login that replaces the session of an earlier one.
fn replacing(user: u8, seconds: i64, replaced: &Login) -> Login {
    let mut login = login(user, seconds);
    login.replaces = Some(replaced.digest);
    login
}

async fn a_login_replaces_the_session_of_the_presented_token(store: &dyn Store) {
    let (first, other) = (login(1, 0), login(1, 1));
    for login in [&first, &other] {
        store.log_in(login.clone()).await.unwrap();
        assert!(exists(store, login.digest).await, "cached on each node");
    }
    let second = replacing(1, 2, &first);
    assert!(!store.log_in(second.clone()).await.unwrap().is_new);
    let logins = [first.clone(), other, second];
    assert_eq!(existing(store, &logins).await, [false, true, true]);
    let again = replacing(1, 3, &first);
    store.log_in(again.clone()).await.unwrap();
    assert!(exists(store, again.digest).await, "it had ended before");
}

async fn a_login_does_not_replace_the_session_of_another_user(store: &dyn Store) {
    let other = login(2, 0);
    store.log_in(other.clone()).await.unwrap();
    store.log_in(login(1, 0)).await.unwrap();
    for login in [replacing(1, 1, &other), replacing(3, 1, &other)] {
        store.log_in(login.clone()).await.unwrap();
        assert_eq!(existing(store, &[other.clone(), login]).await, [true; 2]);
    }
}

async fn a_failed_login_replaces_nothing(store: &dyn Store) {
    let (first, taken) = (login(1, 0), login(2, 0));
    log_in_each(store, [&first, &taken]).await;
    let mut failing = replacing(1, 1, &first);
    failing.digest = taken.digest;
    assert!(matches!(store.log_in(failing).await, Err(Error::Failed(_))));
    assert_eq!(existing(store, &[first, taken]).await, [true; 2]);
}

/// The logins of one phone do not end the session of the desktop.
async fn replaced_sessions_do_not_count(store: &dyn Store) {
    let (desktop, mut phone) = (login(1, 0), login(1, 1));
    log_in_each(store, [&desktop, &phone]).await;
    for seconds in 2..12 {
        phone = replacing(1, seconds, &phone);
        store.log_in(phone.clone()).await.unwrap();
    }
    assert_eq!(existing(store, &[desktop, phone]).await, [true; 2]);
    assert_eq!(store.count_sessions().await.unwrap(), 2);
}

async fn the_sessions_of_other_users_are_not_ended(store: &dyn Store) {
    let other = login(2, 0);
    store.log_in(other.clone()).await.unwrap();
    for seconds in 1..=5 {
        store.log_in(login(1, seconds)).await.unwrap();
    }
    assert!(exists(store, other.digest).await);
}

async fn a_login_with_a_taken_digest_changes_nothing(store: &dyn Store) {
    let first = login(1, 0);
    store.log_in(first.clone()).await.unwrap();
    let mut second = login(2, 1);
    second.digest = first.digest;
    assert!(matches!(store.log_in(second).await, Err(Error::Failed(_))));
    let (session, _user) = store.find(first.digest).await.unwrap().unwrap();
    assert_eq!(session.user, first.user_if_new);
    assert!(
        store.log_in(login(2, 2)).await.unwrap().is_new,
        "the failed login created a user"
    );
}

async fn parallel_logins_of_many_users_succeed(store: &dyn Store) {
    let logins: Vec<_> = (0..64).map(|user| login(user, 0)).collect();
    let replies = join_all(logins.iter().map(|login| store.log_in(login.clone()))).await;
    let is_new =
        |reply: Result<_, _>| reply.is_ok_and(|reply: crate::store::LoggedIn| reply.is_new);
    assert!(replies.into_iter().all(is_new));
    assert_eq!(existing(store, &logins).await, [true; 64]);
}

async fn parallel_logins_of_one_user_leave_the_limit(store: &dyn Store) {
    let logins: Vec<_> = (0..16).map(|seconds| login(1, seconds)).collect();
    let replies = join_all(logins.iter().map(|login| store.log_in(login.clone()))).await;
    let user = replies[0].as_ref().unwrap().user.id;
    assert!(
        replies
            .iter()
            .all(|reply| reply.as_ref().unwrap().user.id == user)
    );
    let limit = usize::try_from(logins[0].sessions_per_user).unwrap();
    assert_eq!(store.sessions_of(user).await.unwrap().len(), limit);
}
