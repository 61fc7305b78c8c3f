//! Operators' decisions about two users who are probably one person.

use std::sync::Arc;

use crate::identity::UserId;
use crate::store::accounts::UserKey;
use crate::store::contract::identities::block;
use crate::store::contract::people::{app, conflict, conflicts, found, identities, login_of};
use crate::store::contract::{at, log_in, log_in_each, named};
use crate::store::events::PAGE;
use crate::store::interface::{Login, Revocation, Store};
use crate::store::people::{ConflictQuery, Decision, Resolution, Resolved};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_merge_makes_one_user_of_two(&*fresh().await).await;
    an_undone_merge_leaves_the_two_users(&*fresh().await).await;
    what_was_linked_to_a_merged_user_moves_with_it(&*fresh().await).await;
    the_user_that_stays_can_be_chosen(&*fresh().await).await;
    merges_of_merged_users_are_undone_in_reverse_order(&*fresh().await).await;
    a_merge_of_one_user_is_undone_without_moving_anyone(&*fresh().await).await;
    a_deletion_has_an_event_for_each_merged_user(&*fresh().await).await;
    no_merge_lifts_or_spreads_a_block(&*fresh().await).await;
    decisions_are_stored_and_reopened(&*fresh().await).await;
    people_have_the_events_of_one_user(&*fresh().await).await;
    a_merge_and_its_undoing_name_the_other_user(&*fresh().await).await;
    a_merge_waits_for_the_events_of_both_users(&*fresh().await).await;
    many_events_that_wait_hold_up_no_other_user(&*fresh().await).await;
}

async fn resolve(
    store: &dyn Store,
    [kept, other]: [UserId; 2],
    decision: Option<Decision>,
) -> Resolved {
    let resolution = Resolution {
        kept,
        other,
        decision,
        now: at(50),
    };
    store.resolve_conflict(resolution).await.unwrap()
}

fn done(ended: usize) -> Resolved {
    Resolved::Done { ended }
}

const MERGED: Option<Decision> = Some(Decision::Merged);
const APART: Option<Decision> = Some(Decision::Apart);

async fn a_merge_makes_one_user_of_two(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    let logins = [login_of(1, 3, &[]), login_of(2, 3, &[])];
    log_in_each(store, &logins).await;
    assert_eq!(store.sessions_of(other).await.unwrap().len(), 3);
    assert_eq!(resolve(store, pair, MERGED).await, done(3));
    assert_eq!(store.session_status(logins[0].digest).await.unwrap(), None);
    let status = store.session_status(logins[1].digest).await.unwrap();
    assert!(status.is_some());
    assert_eq!(store.sessions_of(other).await.unwrap(), []);
    assert_eq!(identities(store, kept).await, [kept, other]);
    assert_eq!(found(store, UserKey::Id(other)).await, [kept]);
    let next = login_of(1, 4, &[]);
    assert_eq!(log_in(store, &next).await.id, kept);
    assert_eq!(log_in(store, &login_of(1, 5, &[9])).await.id, kept);
    assert_eq!(conflicts(store).await.len(), 1);
    assert_eq!(conflicts(store).await[0].decision, MERGED);
    // The same again ends no session.
    assert_eq!(resolve(store, pair, MERGED).await, done(0));
    assert!(store.session_status(next.digest).await.unwrap().is_some());
}

async fn an_undone_merge_leaves_the_two_users(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    store.change_profile(kept, named("K")).await.unwrap();
    store.change_profile(other, named("O")).await.unwrap();
    resolve(store, pair, MERGED).await;
    let (moving, staying) = (login_of(1, 5, &[9]), login_of(2, 5, &[9]));
    let merged = log_in(store, &moving).await;
    assert_eq!(merged.profile.nickname.as_deref(), Some("K"));
    log_in(store, &staying).await;
    // In either order.
    let undone = resolve(store, [other, kept], None).await;
    assert_eq!(undone, done(1));
    assert_eq!(store.session_status(moving.digest).await.unwrap(), None);
    let status = store.session_status(staying.digest).await.unwrap();
    assert!(status.is_some());
    assert_eq!(identities(store, kept).await, [kept]);
    assert_eq!(identities(store, other).await, [other]);
    let separated = log_in(store, &login_of(1, 6, &[9])).await;
    assert_eq!(separated.id, other);
    assert_eq!(separated.profile.nickname.as_deref(), Some("O"));
    let all = conflicts(store).await;
    assert_eq!(
        (all.len(), all[0].decision, all[0].decided_at),
        (1, None, None)
    );
}

/// The other user has two identities, and a third one is linked during the merge.
async fn what_was_linked_to_a_merged_user_moves_with_it(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    log_in(store, &login_of(1, 3, &[8])).await;
    let before = login_of(3, 4, &[8]);
    assert_eq!(log_in(store, &before).await.id, other);
    resolve(store, pair, MERGED).await;
    let meanwhile = [login_of(4, 5, &[8]), login_of(5, 6, &[9])];
    for login in &meanwhile {
        assert_eq!(log_in(store, login).await.id, kept);
    }
    assert_eq!(identities(store, kept).await.len(), 5);
    // The session of the identity of `other`, and not that of the identity of `kept`.
    assert_eq!(resolve(store, pair, APART).await, done(1));
    let expected = [other, before.user_if_new, meanwhile[0].user_if_new];
    assert_eq!(identities(store, other).await, expected);
    assert_eq!(
        identities(store, kept).await,
        [kept, meanwhile[1].user_if_new]
    );
    let ids = meanwhile.each_ref().map(|login: &Login| login.user_if_new);
    assert_eq!(found(store, UserKey::Id(ids[0])).await, [other]);
    assert_eq!(found(store, UserKey::Id(ids[1])).await, [kept]);
}

async fn the_user_that_stays_can_be_chosen(store: &dyn Store) {
    let [kept, other] = conflict(store).await;
    let reversed = resolve(store, [other, kept], MERGED).await;
    assert_eq!(reversed, done(1));
    assert_eq!(identities(store, other).await, [other, kept]);
    let all = conflicts(store).await;
    assert_eq!((all[0].kept, all[0].other), (other, kept));
    // A merge the other way round undoes this one.
    log_in(store, &login_of(2, 5, &[])).await;
    let merged = resolve(store, [kept, other], MERGED).await;
    // That of the login above, and the two sessions of `other`.
    assert_eq!(merged, done(3));
    assert_eq!(identities(store, kept).await, [kept, other]);
    assert_eq!(found(store, UserKey::Id(other)).await, [kept]);
}

async fn merges_of_merged_users_are_undone_in_reverse_order(store: &dyn Store) {
    let [kept, second] = conflict(store).await;
    let third = log_in(store, &login_of(3, 0, &[])).await.id;
    log_in(store, &login_of(3, 3, &[9])).await;
    resolve(store, [second, kept], MERGED).await;
    // The conflict of `kept` and `third` now merges `third` into the user that `kept` became.
    resolve(store, [kept, third], MERGED).await;
    assert_eq!(identities(store, second).await.len(), 3);
    // The id of each of them finds the conflicts of all.
    for user in [second, kept, third] {
        let query = ConflictQuery {
            user: Some(user),
            limit: 10,
            ..ConflictQuery::default()
        };
        let of_user = store.list_conflicts(query).await.unwrap().conflicts;
        assert_eq!(of_user.len(), 2);
    }
    let before = conflicts(store).await;
    for decision in [None, APART] {
        let undone = resolve(store, [second, kept], decision).await;
        assert_eq!(undone, Resolved::HasLaterMerge);
    }
    let reversed = resolve(store, [kept, second], MERGED).await;
    assert_eq!(reversed, Resolved::HasLaterMerge);
    assert_eq!(identities(store, second).await.len(), 3);
    assert_eq!(conflicts(store).await, before);
    resolve(store, [kept, third], None).await;
    assert_eq!(identities(store, third).await, [third]);
    resolve(store, [second, kept], None).await;
    assert_eq!(identities(store, kept).await, [kept]);
    assert_eq!(identities(store, second).await, [second]);
}

/// Three users with one unionid have three conflicts. Two merges make them one user, so that the third one moves no user.
async fn a_merge_of_one_user_is_undone_without_moving_anyone(store: &dyn Store) {
    let [kept, second] = conflict(store).await;
    let third = log_in(store, &login_of(3, 0, &[])).await.id;
    log_in(store, &login_of(3, 3, &[9])).await;
    log_in(store, &login_of(1, 4, &[7])).await;
    log_in(store, &login_of(3, 5, &[7])).await;
    for pair in [[kept, second], [kept, third], [second, third]] {
        let merged = resolve(store, pair, MERGED).await;
        assert!(matches!(merged, Resolved::Done { .. }), "{merged:?}");
    }
    assert_eq!(identities(store, kept).await.len(), 3);
    for pair in [[kept, second], [kept, third]] {
        assert_eq!(resolve(store, pair, None).await, Resolved::HasLaterMerge);
    }
    let undone = resolve(store, [second, third], None).await;
    assert_eq!(undone, done(0));
    assert_eq!(identities(store, kept).await.len(), 3);
    for pair in [[kept, third], [kept, second]] {
        let undone = resolve(store, pair, None).await;
        assert!(matches!(undone, Resolved::Done { .. }), "{undone:?}");
    }
    for user in [kept, second, third] {
        assert_eq!(identities(store, user).await, [user]);
    }
}

/// A linked identity was no user, so no event was sent when it was created.
async fn a_deletion_has_an_event_for_each_merged_user(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    let linked = login_of(3, 3, &[9]);
    log_in(store, &linked).await;
    resolve(store, pair, MERGED).await;
    let deleted = store.delete_user(kept).await.unwrap();
    assert_eq!(deleted.len(), 3);
    let events = store.events(Vec::new()).await.unwrap();
    let deleted = events.iter().filter(|event| event.kind == "user.deleted");
    let deleted = deleted.map(|event| (event.user, event.app.clone()));
    assert_eq!(
        deleted.collect::<Vec<_>>(),
        [(kept, Some(app(2))), (other, Some(app(1)))]
    );
}

async fn no_merge_lifts_or_spreads_a_block(store: &dyn Store) {
    let pair = conflict(store).await;
    for blocked in pair {
        store.block_user(blocked, block()).await.unwrap();
        assert_eq!(resolve(store, pair, MERGED).await, Resolved::Blocked);
        assert_eq!(conflicts(store).await[0].decision, None);
        assert!(store.unblock_user(blocked).await.unwrap());
    }
    resolve(store, pair, MERGED).await;
    store.block_user(pair[0], block()).await.unwrap();
    assert_eq!(resolve(store, pair, APART).await, Resolved::Blocked);
    assert_eq!(identities(store, pair[0]).await, pair);
    let blocked = log_in(store, &login_of(1, 9, &[])).await;
    assert_eq!(blocked.block, Some(block()));
}

async fn decisions_are_stored_and_reopened(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    let unknown = resolve(store, [kept, UserId([0; 16])], APART).await;
    assert_eq!(unknown, Resolved::NotFound);
    let open = async || {
        let query = ConflictQuery {
            only_open: true,
            limit: 10,
            ..ConflictQuery::default()
        };
        let open = store.list_conflicts(query).await.unwrap().conflicts;
        open.len()
    };
    assert_eq!(open().await, 1);
    let apart = resolve(store, [other, kept], APART).await;
    assert_eq!(apart, done(0));
    assert_eq!(open().await, 0);
    let all = conflicts(store).await;
    assert_eq!((all[0].decision, all[0].decided_at), (APART, Some(at(50))));
    assert_eq!((all[0].kept, all[0].other), (kept, other));
    // Found again.
    log_in(store, &login_of(1, 9, &[9])).await;
    assert_eq!(conflicts(store).await, all);
    assert_eq!(resolve(store, pair, None).await, done(0));
    assert_eq!(open().await, 1);
    store.delete_user(other).await.unwrap();
    assert_eq!(resolve(store, pair, APART).await, Resolved::NotFound);
}

async fn people_have_the_events_of_one_user(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    log_in(store, &login_of(3, 3, &[9])).await;
    resolve(store, pair, MERGED).await;
    log_in(store, &login_of(1, 4, &[])).await;
    resolve(store, pair, APART).await;
    let events = store.events(Vec::new()).await.unwrap();
    let events = events
        .iter()
        .map(|event| (event.kind.as_str(), event.user, event.reason.as_deref()));
    let revoked = ("session.revoked", other, Some("merged"));
    let expected = [
        ("user.created", other, None),
        ("user.created", kept, None),
        revoked,
        revoked,
        ("user.merged", other, None),
        ("session.revoked", kept, Some("separated")),
        ("user.separated", other, None),
    ];
    assert_eq!(events.collect::<Vec<_>>(), expected);
}

/// Without sessions no other event informs the receiver.
async fn a_merge_and_its_undoing_name_the_other_user(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    for user in pair {
        store.revoke(Revocation::AllOf(user)).await.unwrap();
    }
    let known = store.events(Vec::new()).await.unwrap().len();
    for decision in [MERGED, MERGED, None, None, APART] {
        resolve(store, pair, decision).await;
    }
    let events = store.events(Vec::new()).await.unwrap();
    let events = events.iter().skip(known);
    let events = events.map(|event| {
        let app = event.app.clone();
        (event.kind.as_str(), event.user, app, event.other_user)
    });
    let expected = ["user.merged", "user.separated"];
    let expected = expected.map(|kind| (kind, other, Some(app(1)), Some(kept)));
    assert_eq!(events.collect::<Vec<_>>(), expected);
}

/// While the events of one user wait, the event about both waits, and so do the later ones of both.
async fn a_merge_waits_for_the_events_of_both_users(store: &dyn Store) {
    let pair @ [kept, other] = conflict(store).await;
    resolve(store, pair, MERGED).await;
    store.revoke(Revocation::AllOf(kept)).await.unwrap();
    let third = log_in(store, &login_of(3, 9, &[])).await.id;
    let created = |user| ("user.created".to_owned(), user);
    let revoked = ("session.revoked".to_owned(), other);
    for (waiting, expected) in [
        (vec![other], vec![created(kept), created(third)]),
        (
            vec![kept],
            vec![created(other), revoked.clone(), revoked, created(third)],
        ),
        (vec![kept, other], vec![created(third)]),
    ] {
        let events = store.events(waiting).await.unwrap();
        let events = events.into_iter().map(|event| (event.kind, event.user));
        assert_eq!(events.collect::<Vec<_>>(), expected);
    }
    assert_eq!(store.events(vec![third]).await.unwrap().len(), 6);
}

async fn many_events_that_wait_hold_up_no_other_user(store: &dyn Store) {
    let pair @ [_kept, other] = conflict(store).await;
    resolve(store, pair, MERGED).await;
    // Each ends the oldest session.
    for seconds in 0..=i64::from(PAGE) + 5 {
        log_in(store, &login_of(2, 10 + seconds, &[])).await;
    }
    let third = log_in(store, &login_of(3, 9, &[])).await.id;
    let events = store.events(vec![other]).await.unwrap();
    let users: Vec<_> = events.iter().map(|event| event.user).collect();
    assert!(users.contains(&third), "{users:?}");
}
