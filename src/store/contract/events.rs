//! The outbox: which changes store an event, in which order, and their removal.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::session::Block;
use crate::store::contract::{at, log_in, log_in_each, log_out, login, sweep_proven};
use crate::store::events::{Event, EventRemoval};
use crate::store::interface::{Revocation, Store};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_login_records_new_users_and_the_sessions_that_it_ends(&*fresh().await).await;
    a_revocation_records_its_reason(&*fresh().await).await;
    a_deletion_is_the_last_event_of_its_user(&*fresh().await).await;
    a_block_is_the_last_event_before_the_next_login(&*fresh().await).await;
    nothing_is_recorded_that_changes_nothing(&*fresh().await).await;
    events_are_read_in_order_without_those_of_some_users(&*fresh().await).await;
    removed_events_are_gone(&*fresh().await).await;
}

async fn events(store: &dyn Store) -> Vec<Event> {
    store.events(Vec::new()).await.unwrap()
}

/// Returns each event as its kind and reason.
async fn kinds(store: &dyn Store) -> Vec<String> {
    let kind = |event: Event| match event.reason {
        Some(reason) => format!("{} {reason}", event.kind),
        None => event.kind,
    };
    events(store).await.into_iter().map(kind).collect()
}

async fn clear(store: &dyn Store) {
    let events = events(store).await;
    let all = EventRemoval::At(events.iter().map(|event| event.position).collect());
    store.remove_events(all).await.unwrap();
}

async fn a_login_records_new_users_and_the_sessions_that_it_ends(store: &dyn Store) {
    let mut logins: Vec<_> = (0..4).map(|seconds| login(1, seconds)).collect();
    log_in_each(store, &logins).await;
    // The limit is three sessions.
    assert_eq!(
        kinds(store).await,
        ["user.created", "session.revoked limit"]
    );
    let [created, ended] = &events(store).await[..] else {
        panic!("two events")
    };
    let user = logins[0].user_if_new;
    for event in [created, ended] {
        assert_eq!(
            (event.user, event.app.as_ref()),
            (user, Some(&logins[0].app))
        );
        assert!(event.at > Timestamp::UNIX_EPOCH);
    }
    assert_eq!((created.session, ended.session), (None, Some(logins[0].id)));
    assert_ne!(created.id, ended.id);

    clear(store).await;
    let mut next = login(1, 9);
    next.replaces = Some(logins.remove(1).digest);
    log_in(store, &next).await;
    assert_eq!(kinds(store).await, ["session.revoked replaced"]);
}

async fn a_revocation_records_its_reason(store: &dyn Store) {
    let logins = [login(1, 0), login(1, 1), login(1, 2)];
    log_in_each(store, &logins).await;
    clear(store).await;
    let user = logins[0].user_if_new;
    for (revocation, expected, session) in [
        (
            Revocation::Session(logins[0].digest),
            "session.revoked logout",
            logins[0].id,
        ),
        (
            Revocation::Id(user, logins[1].id),
            "session.revoked revoked",
            logins[1].id,
        ),
        (
            Revocation::AllOf(user),
            "session.revoked revoked",
            logins[2].id,
        ),
    ] {
        assert_eq!(store.revoke(revocation).await.unwrap(), 1);
        assert_eq!(kinds(store).await, [expected]);
        assert_eq!(events(store).await[0].session, Some(session));
        clear(store).await;
    }
    let (kept, other) = (login(1, 3), login(1, 4));
    log_in(store, &kept).await;
    log_in(store, &other).await;
    store
        .revoke(Revocation::OthersOf(user, kept.digest))
        .await
        .unwrap();
    assert_eq!(kinds(store).await, ["session.revoked revoked"]);
    assert_eq!(events(store).await[0].session, Some(other.id));
}

async fn a_deletion_is_the_last_event_of_its_user(store: &dyn Store) {
    let logins = [login(1, 0), login(1, 1), login(2, 2)];
    log_in_each(store, &logins).await;
    clear(store).await;
    store.delete_user(logins[0].user_if_new).await.unwrap();
    let revoked = "session.revoked deleted";
    assert_eq!(kinds(store).await, [revoked, revoked, "user.deleted"]);
    let all = events(store).await;
    assert!(
        all.iter()
            .all(|event| event.app.as_ref() == Some(&logins[0].app))
    );
    clear(store).await;

    log_in(store, &login(1, 3)).await;
    assert_eq!(kinds(store).await, ["user.created"]);
    clear(store).await;

    // A user without a session is of the same mini program.
    let user = logins[2].user_if_new;
    store.revoke(Revocation::AllOf(user)).await.unwrap();
    clear(store).await;
    store.delete_user(user).await.unwrap();
    assert_eq!(kinds(store).await, ["user.deleted"]);
    assert_eq!(events(store).await[0].app.as_ref(), Some(&logins[2].app));
}

async fn a_block_is_the_last_event_before_the_next_login(store: &dyn Store) {
    let logins = [login(1, 0), login(1, 1)];
    log_in_each(store, &logins).await;
    clear(store).await;
    let user = logins[0].user_if_new;
    let block = Block {
        at: at(2),
        reason: Some("spam".to_owned()),
    };
    store.block_user(user, block).await.unwrap();
    let revoked = "session.revoked blocked";
    assert_eq!(kinds(store).await, [revoked, revoked, "user.blocked"]);
    let all = events(store).await;
    assert!(
        all.iter()
            .all(|event| event.app.as_ref() == Some(&logins[0].app))
    );
    clear(store).await;
    // A rejected login changes nothing.
    log_in(store, &login(1, 3)).await;
    store.unblock_user(user).await.unwrap();
    assert_eq!(kinds(store).await, Vec::<String>::new());
}

async fn nothing_is_recorded_that_changes_nothing(store: &dyn Store) {
    let mei = login(1, 0);
    log_in(store, &mei).await;
    clear(store).await;
    log_in(store, &login(1, 1)).await;
    log_out(store, &login(4, 0)).await;
    store.delete_user(login(3, 0).user_if_new).await.unwrap();
    store.probe(at(1)).await.unwrap();
    // Sessions that expire are not revoked.
    let idle = SignedDuration::from_hours(1);
    sweep_proven(store, at(10 * 86_400), idle).await;
    assert_eq!(store.count_sessions().await.unwrap(), 0);
    assert_eq!(kinds(store).await, Vec::<String>::new());
}

async fn events_are_read_in_order_without_those_of_some_users(store: &dyn Store) {
    for user in [3, 1, 2] {
        log_in(store, &login(user, 0)).await;
    }
    let all = events(store).await;
    assert!(all.is_sorted_by_key(|event| event.position));
    let users: Vec<_> = all.iter().map(|event| event.user).collect();
    assert_eq!(
        users.iter().map(|user| user.0[0]).collect::<Vec<_>>(),
        [3, 1, 2]
    );
    let others = store.events(vec![users[0], users[2]]).await.unwrap();
    assert_eq!(others, [all[1].clone()]);
    assert_eq!(store.events(users).await.unwrap(), []);
}

async fn removed_events_are_gone(store: &dyn Store) {
    for user in 1..=3 {
        log_in(store, &login(user, 0)).await;
    }
    assert_eq!(store.count_events().await.unwrap(), 3);
    let all = events(store).await;
    let first = EventRemoval::At(vec![all[0].position]);
    assert_eq!(store.remove_events(first.clone()).await.unwrap(), 1);
    assert_eq!(store.remove_events(first).await.unwrap(), 0);
    assert_eq!(events(store).await, all[1..]);
    let before = |time| EventRemoval::Before(time);
    assert_eq!(store.remove_events(before(all[1].at)).await.unwrap(), 0);
    let later = all[2].at + SignedDuration::from_secs(1);
    assert_eq!(store.remove_events(before(later)).await.unwrap(), 2);
    assert_eq!(store.count_events().await.unwrap(), 0);
}

/// Checks a store that records no events.
pub(in crate::store) async fn check_without(store: &dyn Store) {
    let logins: Vec<_> = (0..4).map(|seconds| login(1, seconds)).collect();
    log_in_each(store, &logins).await;
    log_out(store, &logins[3]).await;
    store.delete_user(logins[0].user_if_new).await.unwrap();
    assert_eq!(store.count_events().await.unwrap(), 0);
}
