//! The identities of one person: the logins that are linked, and the conflicts.

use std::sync::Arc;

use crate::identity::{AppId, KeyedDigest, UserId};
use crate::session::Sealed;
use crate::store::accounts::UserKey;
use crate::store::contract::{at, exists, log_in, login, named};
use crate::store::interface::{Login, Store};
use crate::store::people::{ConflictQuery, LateUnionId, UserConflict};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_first_login_is_linked_by_the_unionid(&*fresh().await).await;
    an_older_key_finds_the_person_too(&*fresh().await).await;
    a_unionid_of_two_users_is_a_conflict(&*fresh().await).await;
    conflicts_are_listed_in_pages(&*fresh().await).await;
    a_proven_late_unionid_counts_as_one_of_a_login(&*fresh().await).await;
    a_late_unionid_of_a_client_links_nothing(&*fresh().await).await;
}

/// A login of a subject in an app of its own, with the digests of a unionid.
pub(super) fn login_of(subject: u8, seconds: i64, person: &[u8]) -> Login {
    Login {
        app: app(subject),
        person: digests(person),
        ..login(subject, seconds)
    }
}

pub(super) fn app(subject: u8) -> AppId {
    AppId::new(format!("wx{subject:016x}"))
}

pub(super) fn digests(person: &[u8]) -> Vec<KeyedDigest> {
    person.iter().map(|byte| KeyedDigest([*byte; 32])).collect()
}

pub(super) async fn found(store: &dyn Store, key: UserKey) -> Vec<UserId> {
    let users = store.find_users(key).await.unwrap();
    users.iter().map(|user| user.id).collect()
}

pub(super) async fn identities(store: &dyn Store, user: UserId) -> Vec<UserId> {
    let identities = store.identities_of(user).await.unwrap();
    identities.iter().map(|identity| identity.id).collect()
}

pub(super) async fn conflicts(store: &dyn Store) -> Vec<UserConflict> {
    let query = ConflictQuery {
        limit: 100,
        ..ConflictQuery::default()
    };
    store.list_conflicts(query).await.unwrap().conflicts
}

async fn a_first_login_is_linked_by_the_unionid(store: &dyn Store) {
    // The first login is of an app that shares no users.
    let (first, linked) = (login_of(1, 0, &[]), login_of(2, 5, &[9]));
    let created = log_in(store, &first).await;
    assert_eq!(log_in(store, &login_of(1, 1, &[9])).await.id, created.id);
    let change = named("小梅");
    store.change_profile(created.id, change).await.unwrap();
    for round in 0..2 {
        let linked = Login {
            user_if_new: linked.user_if_new,
            ..login_of(2, 5 + round, &[9])
        };
        let logged_in = store.log_in(linked.clone()).await.unwrap();
        assert!(!logged_in.is_new);
        let user = logged_in.user;
        assert_eq!((user.id, user.created_at), (created.id, at(0)));
        assert_eq!(
            (user.subject, &user.openid),
            (linked.subject, &linked.openid)
        );
        assert_eq!((&user.unionid, &user.app), (&linked.unionid, &Some(app(2))));
        assert_eq!(user.profile.nickname.as_deref(), Some("小梅"));
        assert!(exists(store, linked.digest).await);
        let (session, of_session) = store.find(linked.digest).await.unwrap().unwrap();
        assert_eq!((session.user, of_session), (created.id, user));
    }
    the_identities_of(store, created.id, [&first, &linked]).await;
    assert_eq!(conflicts(store).await, []);
}

async fn the_identities_of(store: &dyn Store, user: UserId, [first, linked]: [&Login; 2]) {
    let identities = store.identities_of(user).await.unwrap();
    let [own, other] = identities.as_slice() else {
        panic!("{identities:?}")
    };
    assert_eq!((own.id, own.subject), (user, first.subject));
    assert_eq!(
        (other.id, other.subject),
        (linked.user_if_new, linked.subject)
    );
    assert_eq!((&other.openid, &other.app), (&linked.openid, &Some(app(2))));
    assert_eq!((&other.unionid, other.created_at), (&linked.unionid, at(5)));
    for key in [
        UserKey::Id(linked.user_if_new),
        UserKey::Id(user),
        UserKey::Subjects(vec![linked.subject, first.subject]),
        UserKey::Person(digests(&[8, 9])),
    ] {
        let users = store.find_users(key).await.unwrap();
        assert_eq!(users.len(), 1);
        assert_eq!((users[0].id, users[0].subject), (user, first.subject));
    }
    assert_eq!(found(store, UserKey::Person(digests(&[8]))).await, []);
    assert_eq!(store.identities_of(linked.user_if_new).await.unwrap(), []);
}

async fn an_older_key_finds_the_person_too(store: &dyn Store) {
    let user = log_in(store, &login_of(1, 0, &[1])).await.id;
    assert_eq!(log_in(store, &login_of(2, 0, &[2, 1])).await.id, user);
    // The current key's digest is known from now on.
    assert_eq!(log_in(store, &login_of(3, 0, &[3, 2])).await.id, user);
    assert_eq!(log_in(store, &login_of(4, 0, &[3])).await.id, user);
    let other = log_in(store, &login_of(5, 0, &[4])).await.id;
    assert_ne!(other, user);
    // A conflict registers it for the user who has the unionid.
    assert_eq!(log_in(store, &login_of(5, 1, &[5, 3])).await.id, other);
    assert_eq!(log_in(store, &login_of(6, 1, &[5])).await.id, user);
    assert_eq!(conflicts(store).await.len(), 1);
}

/// Creates a user without a unionid, and one with the unionid 9. The unionid of the first one then turns out to be the same.
pub(super) async fn conflict(store: &dyn Store) -> [UserId; 2] {
    let other = log_in(store, &login_of(1, 0, &[])).await.id;
    let kept = log_in(store, &login_of(2, 1, &[9])).await.id;
    assert_eq!(log_in(store, &login_of(1, 2, &[9])).await.id, other);
    [kept, other]
}

async fn a_unionid_of_two_users_is_a_conflict(store: &dyn Store) {
    let [kept, other] = conflict(store).await;
    let expected = [UserConflict {
        kept,
        other,
        found_at: at(2),
        decision: None,
        decided_at: None,
    }];
    assert_eq!(conflicts(store).await, expected);
    // The same, and the other way round.
    log_in(store, &login_of(1, 3, &[9])).await;
    log_in(store, &login_of(1, 4, &[8])).await;
    log_in(store, &login_of(2, 5, &[8])).await;
    assert_eq!(conflicts(store).await, expected);
    assert_eq!(identities(store, kept).await, [kept]);
    assert_eq!(identities(store, other).await, [other]);
}

async fn conflicts_are_listed_in_pages(store: &dyn Store) {
    let [first, ..] = conflict(store).await;
    for (subject, seconds) in [(3, 3), (4, 4), (5, 4)] {
        log_in(store, &login_of(subject, 0, &[])).await;
        log_in(store, &login_of(subject, seconds, &[9])).await;
    }
    let all = conflicts(store).await;
    assert_eq!(all.len(), 4);
    assert!(all.is_sorted_by_key(|conflict| std::cmp::Reverse(conflict.found_at)));
    let (mut pages, mut query) = (Vec::new(), ConflictQuery::default());
    query.limit = 3;
    loop {
        let page = store.list_conflicts(query.clone()).await.unwrap();
        pages.extend(page.conflicts);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(pages, all);
    for (user, number) in [(first, 4), (all[0].other, 1), (UserId([0; 16]), 0)] {
        let query = ConflictQuery {
            user: Some(user),
            limit: 100,
            ..ConflictQuery::default()
        };
        let of_user = store.list_conflicts(query).await.unwrap();
        assert_eq!((of_user.conflicts.len(), of_user.next), (number, None));
    }
}

fn late(subject: &Login, proof: Option<&[u8]>) -> LateUnionId {
    LateUnionId {
        subject: subject.subject,
        unionid: Sealed(vec![if proof.is_some() { 41 } else { 42 }]),
        proof: proof.map(digests),
        now: at(7),
    }
}

async fn unionid(store: &dyn Store, user: UserId) -> Option<Sealed> {
    let found = store.find_users(UserKey::Id(user)).await.unwrap();
    found[0].unionid.clone()
}

async fn a_proven_late_unionid_counts_as_one_of_a_login(store: &dyn Store) {
    let first = login_of(1, 0, &[]);
    let user = log_in(store, &first).await.id;
    let unknown = late(&login_of(9, 0, &[]), Some(&[9]));
    assert!(!store.learn_unionid(unknown).await.unwrap());
    assert!(store.learn_unionid(late(&first, Some(&[9]))).await.unwrap());
    assert_eq!(unionid(store, user).await, Some(Sealed(vec![41])));
    assert_eq!(log_in(store, &login_of(2, 0, &[9])).await.id, user);
    let third = login_of(3, 0, &[]);
    let other = log_in(store, &third).await.id;
    assert!(store.learn_unionid(late(&third, Some(&[9]))).await.unwrap());
    let found: Vec<_> = conflicts(store).await;
    assert_eq!((found[0].kept, found[0].other), (user, other));
    assert_eq!((found[0].found_at, found.len()), (at(7), 1));
}

async fn a_late_unionid_of_a_client_links_nothing(store: &dyn Store) {
    let forger = Login {
        unionid: None,
        ..login_of(1, 0, &[])
    };
    let user = log_in(store, &forger).await.id;
    assert!(store.learn_unionid(late(&forger, None)).await.unwrap());
    assert_eq!(unionid(store, user).await, Some(Sealed(vec![42])));
    let victim = store.log_in(login_of(2, 0, &[9])).await.unwrap();
    assert!(victim.is_new);
    assert!(store.learn_unionid(late(&forger, None)).await.unwrap());
    assert_eq!(conflicts(store).await, []);
    let proven = late(&forger, Some(&[9]));
    assert!(store.learn_unionid(proven).await.unwrap());
    assert!(store.learn_unionid(late(&forger, None)).await.unwrap());
    assert_eq!(unionid(store, user).await, Some(Sealed(vec![41])));
    assert_eq!(conflicts(store).await.len(), 1);
    assert_eq!(identities(store, victim.user.id).await, [victim.user.id]);
}
