//! One person on several nodes at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{join, join_all};

use crate::identity::KeyedDigest;
use crate::store::accounts::UserKey;
use crate::store::contract::identities::block;
use crate::store::contract::nodes::rounds;
use crate::store::contract::people::{conflict, conflicts, found, identities, login_of};
use crate::store::interface::{Login, Revocation, Store};
use crate::store::people::{Decision, Resolution, Resolved};

type Nodes = [Arc<dyn Store>; 2];

pub(super) async fn check(two: &impl AsyncFn() -> Nodes) {
    first_logins_at_once_end_with_one_user(&two().await).await;
    logins_of_many_people_at_once_all_succeed(&two().await).await;
    a_block_leaves_no_session_of_another_identity(&two().await).await;
    concurrent_logins_of_two_identities_leave_the_limit(&two().await).await;
    a_merge_leaves_no_session_of_a_racing_login(&two().await).await;
    a_deletion_leaves_no_identity_of_a_racing_login(&two().await).await;
}

/// A login with a subject and a person of this round.
fn of_round(subject: u8, round: i64) -> Login {
    let mut login = login_of(subject, round, &[9]);
    login.subject.0[1..9].copy_from_slice(&round.to_be_bytes());
    login.person[0].0[1..9].copy_from_slice(&round.to_be_bytes());
    login
}

/// Two apps on two nodes, and two more on each of them, which may share a batch.
async fn first_logins_at_once_end_with_one_user(nodes: &Nodes) {
    for round in 0..rounds() {
        let logins = (1..=6).map(|subject| of_round(subject, round));
        let logins = logins.zip(nodes.iter().cycle());
        let logged_in = join_all(logins.map(|(login, node)| node.log_in(login))).await;
        let logged_in: Vec<_> = logged_in.into_iter().map(Result::unwrap).collect();
        let users: BTreeSet<_> = logged_in.iter().map(|reply| reply.user.id.0).collect();
        assert_eq!(users.len(), 1);
        let new = logged_in.iter().filter(|reply| reply.is_new).count();
        assert_eq!(new, 1);
        let identities = nodes[0].identities_of(logged_in[0].user.id).await;
        assert_eq!(identities.unwrap().len(), 6);
    }
    assert_eq!(conflicts(&*nodes[0]).await, []);
}

/// The locks of two batches overlap, in any order of the subjects.
async fn logins_of_many_people_at_once_all_succeed(nodes: &Nodes) {
    let logins = (0..200_u8).map(|number| {
        let mut login = login_of(number, 0, &[number % 50]);
        login.person.push(KeyedDigest([100 + number % 50; 32]));
        login
    });
    let logins = logins.zip(nodes.iter().cycle());
    let logged_in = join_all(logins.map(|(login, node)| node.log_in(login))).await;
    let users: BTreeSet<_> = logged_in
        .into_iter()
        .map(|reply| reply.unwrap().user.id.0)
        .collect();
    assert_eq!(users.len(), 50);
}

/// Node `a` blocks a user while node `b` logs in another identity, which is known or linked by this login.
async fn a_block_leaves_no_session_of_another_identity([a, b]: &Nodes) {
    for round in 0..2 * rounds() {
        let (first, known, racing) = (
            of_round(1, round),
            of_round(2, round),
            of_round(2 + u8::from(round % 2 == 1), round),
        );
        let user = first.user_if_new;
        a.log_in(first).await.unwrap();
        a.log_in(known).await.unwrap();
        let (blocked, raced) = join(a.block_user(user, block()), b.log_in(racing.clone())).await;
        let (blocked, raced) = (blocked.unwrap(), raced.unwrap());
        assert_eq!(raced.user.id, user);
        let is_rejected = raced.user.block.is_some();
        assert_eq!(blocked, Some(if is_rejected { 2 } else { 3 }));
        for node in [a, b] {
            assert_eq!(node.session_status(racing.digest).await.unwrap(), None);
            assert_eq!(node.sessions_of(user).await.unwrap(), []);
        }
    }
}

async fn concurrent_logins_of_two_identities_leave_the_limit(nodes: &Nodes) {
    for round in 0..rounds() {
        let user = nodes[0].log_in(of_round(1, round)).await.unwrap().user.id;
        nodes[1].log_in(of_round(2, round)).await.unwrap();
        // An app that shares no users any more: nothing keeps the logins from sharing a batch.
        let logins = (0..8).map(|number| Login {
            person: Vec::new(),
            sessions_per_user: 2,
            ..of_round(1 + number % 2, round)
        });
        let logins = logins.zip(nodes.iter().cycle());
        let logged_in = join_all(logins.map(|(login, node)| node.log_in(login))).await;
        assert!(logged_in.iter().all(Result::is_ok));
        assert_eq!(nodes[0].sessions_of(user).await.unwrap().len(), 2);
    }
}

/// Node `a` merges two users, and undoes it, while node `b` logs in the one that moves, and links an identity to it.
async fn a_merge_leaves_no_session_of_a_racing_login([a, b]: &Nodes) {
    let [kept, other] = conflict(&**a).await;
    a.log_in(login_of(1, 3, &[8])).await.unwrap();
    for round in 0..2 * rounds() {
        let (decision, user_after) = if round % 2 == 0 {
            (Some(Decision::Merged), kept)
        } else {
            (None, other)
        };
        let resolution = Resolution {
            kept,
            other,
            decision,
            now: login_of(1, round, &[]).now,
        };
        let mut linked = login_of(3, 10 + round, &[8]);
        linked.subject.0[1..9].copy_from_slice(&round.to_be_bytes());
        let racing = [login_of(1, 10 + round, &[]), linked];
        let logins = racing.each_ref().map(|login| b.log_in(login.clone()));
        let (resolved, raced) = join(a.resolve_conflict(resolution), join_all(logins)).await;
        assert!(matches!(resolved.unwrap(), Resolved::Done { .. }));
        for (login, raced) in racing.iter().zip(raced) {
            let is_after = raced.unwrap().user.id == user_after;
            for node in [a, b] {
                let status = node.session_status(login.digest).await.unwrap();
                let user = status.map(|status| status.user);
                assert_eq!(user, is_after.then_some(user_after));
            }
            let subject = UserKey::Subjects(vec![login.subject]);
            assert_eq!(found(&**a, subject).await, [user_after]);
        }
        a.revoke(Revocation::AllOf(user_after)).await.unwrap();
    }
}

/// Node `a` deletes a user while node `b` links an identity to them. Either that goes too, or it becomes a user.
async fn a_deletion_leaves_no_identity_of_a_racing_login([a, b]: &Nodes) {
    for round in 0..2 * rounds() {
        let (first, racing) = (of_round(1, round), of_round(2, round));
        let user = first.user_if_new;
        a.log_in(first.clone()).await.unwrap();
        let (deleted, raced) = join(a.delete_user(user), b.log_in(racing.clone())).await;
        assert_eq!(deleted.unwrap().first(), Some(&user));
        let raced = raced.unwrap().user.id;
        let expected = if raced == user { vec![] } else { vec![raced] };
        let subjects = UserKey::Subjects(vec![first.subject, racing.subject]);
        assert_eq!(found(&**a, subjects).await, expected);
        assert_eq!(identities(&**a, raced).await, expected);
        let status = b.session_status(racing.digest).await.unwrap();
        assert_eq!(status.is_some(), raced != user);
        let next = b.log_in(of_round(3, round)).await.unwrap();
        assert_eq!(next.is_new, raced == user);
    }
}
