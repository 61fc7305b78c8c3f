//! Several nodes on one database: what one node has confirmed holds on all of them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{join, join_all};
use jiff::SignedDuration;

use crate::session::{Sealed, TokenDigest};
use crate::store::contract::identities::block;
use crate::store::contract::{at, exists, login, people_of_nodes};
use crate::store::interface::{Login, Revocation, Store, Swept, Update};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey};

/// Number of revocations of each kind, each of a session that the other node has cached. `WEAPP_TEST_ROUNDS` raises it.
const ROUNDS: i64 = 20;

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const DAY: i64 = 24 * 3600;

/// A node is opened by name of the database: the same name means the same database.
pub(in crate::store) async fn check_nodes(open: impl AsyncFn(&str) -> Arc<dyn Store>) {
    let names = Cell::new(0);
    let two = async || {
        names.set(names.get() + 1);
        let name = format!("two{}", names.get());
        [open(&name).await, open(&name).await]
    };
    concurrent_logins_of_one_user_leave_the_limit(&two().await).await;
    every_revocation_is_known_to_the_other_node(&two().await).await;
    a_block_leaves_no_session_of_a_racing_login(&two().await).await;
    a_use_on_the_other_node_is_in_the_fresh_status(&two().await).await;
    one_of_many_claims_of_two_nodes_takes_the_lease(&two().await).await;
    concurrent_sweeps_remove_each_session_once(&two().await).await;
    people_of_nodes::check(&two).await;
    eight_nodes_start_on_an_empty_database(&open).await;
}

/// Revokes sessions by each kind of revocation, while nothing but the revocations changes.
pub(in crate::store) async fn check_revocations(nodes: &[Arc<dyn Store>; 2]) {
    every_revocation_is_known_to_the_other_node(nodes).await;
}

type Nodes = [Arc<dyn Store>; 2];

pub(super) fn rounds() -> i64 {
    std::env::var("WEAPP_TEST_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap())
}

/// Both nodes log one user in at the same time. The latest login of each node is among the sessions that stay.
async fn concurrent_logins_of_one_user_leave_the_limit(nodes: &Nodes) {
    let logins: Vec<_> = (0..32).map(|seconds| login(1, seconds)).collect();
    let log_in = |(login, node): (&Login, &Arc<dyn Store>)| {
        let (login, node) = (login.clone(), Arc::clone(node));
        async move { node.log_in(login).await.unwrap().user.id }
    };
    let users = join_all(logins.iter().zip(nodes.iter().cycle()).map(log_in)).await;
    let stored = nodes[0].sessions_of(users[0]).await.unwrap();
    let limit = usize::try_from(logins[0].sessions_per_user).unwrap();
    assert_eq!(stored.len(), limit);
    for latest in &logins[30..] {
        assert!(stored.iter().any(|session| session.digest == latest.digest));
    }
}

/// Node `b` has cached a session, and goes on reading it while `a` revokes it. The first check of `b` after the reply to the
/// revocation finds none.
async fn every_revocation_is_known_to_the_other_node([a, b]: &Nodes) {
    for round in 0..rounds() {
        let kinds: [fn(&Login) -> Revocation; 4] = [
            |login| Revocation::Session(login.digest),
            |login| Revocation::Id(login.user_if_new, login.id),
            |login| Revocation::OthersOf(login.user_if_new, TokenDigest([0; 32])),
            |login| Revocation::AllOf(login.user_if_new),
        ];
        for (user, kind) in (1..).zip(kinds) {
            let mut login = login(user, round);
            // A user of this round's own.
            login.subject.0[1..9].copy_from_slice(&round.to_be_bytes());
            a.log_in(login.clone()).await.unwrap();
            let revoke = async { a.revoke(kind(&login)).await.unwrap() };
            check_revocation(b, &login, revoke).await;
        }
        let mut blocked = login(7, round);
        blocked.subject.0[1..9].copy_from_slice(&round.to_be_bytes());
        a.log_in(blocked.clone()).await.unwrap();
        let block = async {
            let ended = a.block_user(blocked.user_if_new, block()).await;
            ended.unwrap().unwrap()
        };
        check_revocation(b, &blocked, block).await;
        let replaced = login(5, 2 * round);
        a.log_in(replaced.clone()).await.unwrap();
        let mut next = login(5, 2 * round + 1);
        next.replaces = Some(replaced.digest);
        let log_in = async {
            a.log_in(next).await.unwrap();
            1
        };
        check_revocation(b, &replaced, log_in).await;
    }
    let (mut oldest, mut latest) = (login(6, 0), login(6, 1));
    (oldest.sessions_per_user, latest.sessions_per_user) = (1, 1);
    a.log_in(oldest.clone()).await.unwrap();
    let log_in = async {
        a.log_in(latest.clone()).await.unwrap();
        1
    };
    check_revocation(b, &oldest, log_in).await;
}

/// Node `a` blocks a user while node `b` logs them in. Either the login comes first, and the block ends its session, or the
/// login finds the block.
async fn a_block_leaves_no_session_of_a_racing_login([a, b]: &Nodes) {
    for round in 0..rounds() {
        let (first, racing) = (login(1, 2 * round), login(1, 2 * round + 1));
        a.log_in(first.clone()).await.unwrap();
        let user = first.user_if_new;
        let (blocked, raced) = join(a.block_user(user, block()), b.log_in(racing.clone())).await;
        let (blocked, raced) = (blocked.unwrap(), raced.unwrap());
        let is_rejected = raced.user.block.is_some();
        assert_eq!(blocked, Some(if is_rejected { 1 } else { 2 }));
        for node in [a, b] {
            assert_eq!(node.session_status(racing.digest).await.unwrap(), None);
            assert_eq!(node.sessions_of(user).await.unwrap(), []);
        }
        a.delete_user(user).await.unwrap();
    }
}

/// Runs the revocation while readers of the other node fill its cache.
async fn check_revocation(
    node: &Arc<dyn Store>,
    login: &Login,
    revoke: impl Future<Output = usize>,
) {
    let status = async || node.session_status(login.digest).await.unwrap();
    for _until_cached in 0..3 {
        assert!(status().await.is_some());
    }
    let revoked = Cell::new(false);
    let revoke = async {
        assert_eq!(revoke.await, 1);
        revoked.set(true);
    };
    let read = async || {
        while !revoked.get() {
            status().await;
            // A store may reply at once. The revocation needs a turn.
            actix_rt::task::yield_now().await;
        }
    };
    join(revoke, join(read(), read())).await;
    assert_eq!(status().await, None);
}

/// Node `a` has cached the time of the login. Node `b` has used the session since.
async fn a_use_on_the_other_node_is_in_the_fresh_status([a, b]: &Nodes) {
    let login = login(1, 0);
    a.log_in(login.clone()).await.unwrap();
    assert!(exists(&**a, login.digest).await);
    let used = Update::Used(at(59));
    assert!(b.update(login.digest, used).await.unwrap());
    let status = a.fresh_status(login.digest).await.unwrap().unwrap();
    assert_eq!(status.last_seen, at(59));
    let status = a.session_status(login.digest).await.unwrap().unwrap();
    assert_eq!(status.last_seen, at(59), "the cached last use was kept");
}

async fn one_of_many_claims_of_two_nodes_takes_the_lease(nodes: &Nodes) {
    let claim = |holder: u8, seconds: i64| Claim {
        key: LedgerKey([7; 32]),
        holder: Holder([holder; 16]),
        now: at(seconds),
        until: at(seconds + 10),
        stale: None,
    };
    for round in 0..20 {
        let start = round * 10;
        let claims = (0..64_u8).zip(nodes.iter().cycle());
        let claims = claims.map(|(holder, node)| node.claim(claim(holder, start)));
        let answers = join_all(claims).await.into_iter().map(Result::unwrap);
        let yours = answers.filter(|answer| matches!(answer, Claimed::Yours));
        assert_eq!(
            yours.count(),
            1,
            "the lease of the previous round has expired"
        );
    }
    let [a, b] = nodes;
    let (late, holder) = (claim(100, 300), Holder([100; 16]));
    assert_eq!(a.claim(late).await.unwrap(), Claimed::Yours);
    let kept = a.keep(late.key, holder, Sealed(vec![1]), at(400)).await;
    let version = kept.unwrap();
    assert!(version.is_some());
    let stale = Claim {
        stale: version,
        ..claim(101, 301)
    };
    assert_eq!(b.claim(stale).await.unwrap(), Claimed::Yours);
    b.release(late.key, Holder([101; 16])).await.unwrap();
    let claimed = a.claim(claim(102, 302)).await.unwrap();
    assert!(matches!(claimed, Claimed::Kept { .. }));
}

async fn concurrent_sweeps_remove_each_session_once(nodes: &Nodes) {
    let (mut expired, mut live) = (Vec::new(), Vec::new());
    for user in 0..=255 {
        let [mut old, mut new] = [login(user, -3600 - DAY), login(user, 0)];
        old.subject.0[31] = 1;
        new.subject.0[31] = 2;
        expired.push(old);
        live.push(new);
    }
    let all = expired.iter().chain(&live).zip(nodes.iter().cycle());
    let all = all.map(|(login, node)| node.log_in(login.clone()));
    assert!(join_all(all).await.into_iter().all(|reply| reply.is_ok()));
    let sweep = |node: Arc<dyn Store>| async move {
        let mut removed = 0;
        loop {
            match node.sweep(at(0), MINUTE).await.unwrap() {
                Swept::Rows { sessions, is_last } => {
                    removed += sessions;
                    if is_last {
                        return removed;
                    }
                }
                jumped @ Swept::ClockImplausible { .. } => panic!("{jumped:?}"),
            }
        }
    };
    nodes[0].sweep(at(-DAY), MINUTE).await.unwrap();
    let [a, b] = nodes;
    let (first, second) = join(sweep(Arc::clone(a)), sweep(Arc::clone(b))).await;
    assert_eq!(first + second, expired.len());
    for (login, node) in live.iter().zip(nodes.iter().cycle()) {
        assert!(exists(&**node, login.digest).await);
    }
}

async fn eight_nodes_start_on_an_empty_database(open: &impl AsyncFn(&str) -> Arc<dyn Store>) {
    for round in 0..5 {
        let name = format!("eight{round}");
        let nodes = join_all((0..8).map(|_node| open(&name))).await;
        let logins = (0..8)
            .zip(&nodes)
            .map(|(user, node)| node.log_in(login(user, 0)));
        let users = join_all(logins).await.into_iter();
        let users: BTreeSet<_> = users.map(|reply| reply.unwrap().user.id.0).collect();
        assert_eq!(users.len(), 8);
    }
}
