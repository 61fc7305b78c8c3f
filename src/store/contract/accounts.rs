//! What an operator does: block users, search for them, and count users, sessions and logins.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::date;

use crate::identity::{AppId, Subject, UserId};
use crate::session::{Block, User};
use crate::store::accounts::{LoginCount, NodeId, UserKey, UserQuery};
use crate::store::contract::{at, existing, exists, log_in_each, login, named};
use crate::store::interface::{Login, Store};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_blocked_user_has_no_sessions_and_gets_none(&*fresh().await).await;
    a_block_is_replaced_and_removed(&*fresh().await).await;
    users_are_found_by_id_and_by_subject(&*fresh().await).await;
    pages_of_users_are_complete_and_in_order(&*fresh().await).await;
    filters_select_users(&*fresh().await).await;
    a_page_may_be_empty_although_others_follow(&*fresh().await).await;
    statistics_count_users_and_live_sessions(&*fresh().await).await;
    logins_are_counted_once_for_each_node(&*fresh().await).await;
}

fn block(seconds: i64, reason: Option<&str>) -> Block {
    Block {
        at: at(seconds),
        reason: reason.map(str::to_owned),
    }
}

async fn user(store: &dyn Store, id: UserId) -> Option<User> {
    let found = store.find_users(UserKey::Id(id)).await.unwrap();
    assert!(found.len() <= 1);
    found.into_iter().next()
}

async fn a_blocked_user_has_no_sessions_and_gets_none(store: &dyn Store) {
    let logins = [login(1, 0), login(1, 1), login(2, 2)];
    log_in_each(store, &logins).await;
    assert_eq!(existing(store, &logins).await, [true; 3]);
    let id = logins[0].user_if_new;
    let spam = block(3, Some("spam"));
    assert_eq!(store.block_user(id, spam.clone()).await.unwrap(), Some(2));
    assert_eq!(existing(store, &logins).await, [false, false, true]);

    let again = login(1, 4);
    let rejected = store.log_in(again.clone()).await.unwrap();
    assert_eq!((rejected.is_new, rejected.user.id), (false, id));
    assert_eq!(rejected.user.block, Some(spam));
    assert!(!exists(store, again.digest).await);
    assert_eq!(store.sessions_of(id).await.unwrap(), []);
    assert_eq!(store.count_sessions().await.unwrap(), 1);
    let unknown = store.block_user(UserId([9; 16]), block(3, None)).await;
    assert_eq!(unknown.unwrap(), None);
}

async fn a_block_is_replaced_and_removed(store: &dyn Store) {
    let first = login(1, 0);
    store.log_in(first.clone()).await.unwrap();
    let id = first.user_if_new;
    for (seconds, reason, ended) in [(1, None, 1), (2, Some("垃圾信息"), 0)] {
        let block = block(seconds, reason);
        let replaced = store.block_user(id, block.clone()).await.unwrap();
        assert_eq!(replaced, Some(ended));
        assert_eq!(user(store, id).await.unwrap().block, Some(block));
    }
    assert!(store.unblock_user(id).await.unwrap());
    assert_eq!(user(store, id).await.unwrap().block, None);
    let again = login(1, 3);
    let logged_in = store.log_in(again.clone()).await.unwrap();
    assert_eq!((logged_in.is_new, logged_in.user.id), (false, id));
    assert!(exists(store, again.digest).await);
    assert!(!exists(store, first.digest).await, "it stays ended");
    assert!(!store.unblock_user(UserId([9; 16])).await.unwrap());
}

async fn users_are_found_by_id_and_by_subject(store: &dyn Store) {
    let (mei, bo) = (login(1, 0), login(2, 1));
    log_in_each(store, [&mei, &bo]).await;
    let found = user(store, mei.user_if_new).await.unwrap();
    assert_eq!((found.subject, found.app), (mei.subject, Some(mei.app)));
    assert_eq!(user(store, UserId([9; 16])).await, None);
    let subjects = vec![Subject([9; 32]), bo.subject];
    let found = store.find_users(UserKey::Subjects(subjects)).await.unwrap();
    let ids: Vec<_> = found.iter().map(|user| user.id).collect();
    assert_eq!(ids, [bo.user_if_new]);
}

/// Logs users in whose first logins were at these seconds, and returns their ids, the newest first.
async fn fill(store: &dyn Store, seconds: &[i64]) -> Vec<UserId> {
    let logins: Vec<Login> = (1..)
        .zip(seconds)
        .map(|(user, at)| login(user, *at))
        .collect();
    log_in_each(store, &logins).await;
    let mut order: Vec<_> = logins
        .iter()
        .map(|login| (login.now, login.user_if_new.0))
        .collect();
    order.sort_unstable();
    order
        .into_iter()
        .rev()
        .map(|(_now, id)| UserId(id))
        .collect()
}

/// Selects all users, on pages of this length.
fn query(limit: u8) -> UserQuery {
    UserQuery {
        limit,
        window: 1000,
        ..UserQuery::default()
    }
}

/// Returns the ids on all pages.
async fn pages(store: &dyn Store, mut query: UserQuery) -> Vec<Vec<UserId>> {
    let mut pages = Vec::new();
    loop {
        let page = store.list_users(query.clone()).await.unwrap();
        pages.push(page.users.iter().map(|user| user.id).collect());
        query.after = page.next;
        if page.next.is_none() {
            return pages;
        }
    }
}

async fn pages_of_users_are_complete_and_in_order(store: &dyn Store) {
    assert_eq!(pages(store, query(2)).await, [[]]);
    let ids = fill(store, &[5, 1, 3, 3, 3, 2, 3]).await;
    for (limit, lengths) in [
        (1, vec![1; 7]),
        (2, vec![2, 2, 2, 1]),
        (7, vec![7]),
        (100, vec![7]),
    ] {
        let pages = pages(store, query(limit)).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        assert_eq!(pages.concat(), ids);
    }
}

async fn filters_select_users(store: &dyn Store) {
    let ids = fill(store, &[0, 1, 2]).await;
    let mut other = login(9, 3);
    other.app = AppId::new("wx9999999999999999");
    store.log_in(other.clone()).await.unwrap();
    for (id, name) in ids.iter().zip(["小美 100%", "小波"]) {
        store.change_profile(*id, named(name)).await.unwrap();
    }
    store.block_user(ids[2], block(4, None)).await.unwrap();
    let select = |filter: fn(&mut UserQuery)| {
        let mut query = query(10);
        filter(&mut query);
        query
    };
    for (query, expected) in [
        (
            select(|query| query.app = Some(AppId::new("wx9999999999999999"))),
            vec![other.user_if_new],
        ),
        (
            select(|query| query.app = Some(AppId::new("wx0123456789abcdef"))),
            ids.clone(),
        ),
        (select(|query| query.app = Some(AppId::new("wx"))), vec![]),
        (
            select(|query| query.nickname = Some("小".to_owned())),
            ids[..2].to_vec(),
        ),
        (
            select(|query| query.nickname = Some("美 100%".to_owned())),
            vec![ids[0]],
        ),
        (
            select(|query| query.nickname = Some("%".to_owned())),
            vec![ids[0]],
        ),
        (
            select(|query| query.created_since = Some(at(2))),
            vec![other.user_if_new, ids[0]],
        ),
        (select(|query| query.created_since = Some(at(4))), vec![]),
        (select(|query| query.blocked = true), vec![ids[2]]),
        (
            select(|query| (query.blocked, query.nickname) = (true, Some("小".to_owned()))),
            vec![],
        ),
    ] {
        assert_eq!(pages(store, query.clone()).await, [expected], "{query:?}");
    }
}

async fn a_page_may_be_empty_although_others_follow(store: &dyn Store) {
    let ids = fill(store, &[0, 1, 2, 3, 4, 5]).await;
    let change = named("needle");
    store.change_profile(ids[5], change).await.unwrap();
    for (window, lengths) in [(2, vec![0, 0, 1, 0]), (4, vec![0, 1]), (6, vec![1, 0])] {
        let query = UserQuery {
            nickname: Some("needle".to_owned()),
            window,
            ..query(10)
        };
        let pages = pages(store, query).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        assert_eq!(pages.concat(), ids[5..]);
    }
}

async fn statistics_count_users_and_live_sessions(store: &dyn Store) {
    let idle = SignedDuration::from_mins(30);
    let statistics = async |seconds| {
        let counted = store.statistics(at(seconds), idle, date(2026, 11, 1)).await;
        let counted = counted.unwrap();
        assert_eq!(counted.logins, []);
        (counted.users, counted.blocked_users, counted.sessions)
    };
    assert_eq!(statistics(0).await, (0, 0, 0));
    let logins = [login(1, 0), login(1, 600), login(2, 0), login(3, 0)];
    log_in_each(store, &logins).await;
    assert_eq!(statistics(1799).await, (3, 0, 4));
    assert_eq!(statistics(1800).await, (3, 0, 1), "unused");
    assert_eq!(statistics(4200).await, (3, 0, 0), "expired");
    let blocked = store.block_user(logins[3].user_if_new, block(601, None));
    assert_eq!(blocked.await.unwrap(), Some(1));
    assert_eq!(statistics(1799).await, (3, 1, 3));
    store.delete_user(logins[3].user_if_new).await.unwrap();
    assert_eq!(statistics(1799).await, (2, 0, 3));
}

async fn logins_are_counted_once_for_each_node(store: &dyn Store) {
    let count = |day, app: &str, logins| LoginCount {
        day: date(2026, 11, day),
        app: AppId::new(app),
        logins,
    };
    let (a, b) = (NodeId([1; 16]), NodeId([2; 16]));
    let add = async |node, counts: &[LoginCount], keep_since| {
        let keep_since = date(2026, 11, keep_since);
        let added = store.count_logins(node, counts.to_vec(), keep_since).await;
        added.unwrap();
    };
    let counted = async |since| {
        let since = date(2026, 11, since);
        let hour = SignedDuration::from_hours(1);
        store.statistics(at(0), hour, since).await.unwrap().logins
    };
    for _repeated in 0..2 {
        add(
            a,
            &[count(1, "wx1", 5), count(2, "wx1", 7), count(2, "wx2", 1)],
            1,
        )
        .await;
    }
    add(a, &[count(2, "wx1", 6)], 1).await;
    add(b, &[count(2, "wx1", 10)], 1).await;
    let expected = [count(1, "wx1", 5), count(2, "wx1", 17), count(2, "wx2", 1)];
    assert_eq!(counted(1).await, expected);
    assert_eq!(counted(2).await, expected[1..]);
    add(b, &[], 2).await;
    assert_eq!(counted(1).await, expected[1..], "older days are removed");
}
