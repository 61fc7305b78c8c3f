//! The sweep: expired sessions are removed in batches, and a wrong clock removes none.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};

use crate::session::Session;
use crate::store::contract::{at, exists, login};
use crate::store::interface::{Login, Store, Swept, Update};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_sweep_removes_sessions_a_day_after_they_expired(&*fresh().await).await;
    a_new_store_removes_no_session_for_a_day(&*fresh().await).await;
    a_sweep_in_batches_removes_all_expired_sessions(&*fresh().await).await;
    a_clock_that_jumps_ahead_removes_nothing(&*fresh().await).await;
    a_clock_that_stays_ahead_for_a_day_is_believed(&*fresh().await).await;
    a_clock_that_jumps_back_changes_nothing(&*fresh().await).await;
    sessions_of_the_future_begin_when_the_clock_returns(&*fresh().await).await;
    a_use_in_the_future_does_not_prolong_a_session(&*fresh().await).await;
}

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const DAY: i64 = 24 * 3600;
const YEAR: i64 = 365 * DAY;

/// Sweeps with an idle limit of a minute, and returns the number of removed sessions.
async fn removed(store: &dyn Store, seconds: i64) -> usize {
    match store.sweep(at(seconds), MINUTE).await.unwrap() {
        Swept::Rows { sessions, .. } => sessions,
        jumped @ Swept::ClockImplausible { .. } => panic!("{jumped:?}"),
    }
}

async fn is_implausible(store: &dyn Store, seconds: i64) -> bool {
    let swept = store.sweep(at(seconds), MINUTE).await.unwrap();
    matches!(swept, Swept::ClockImplausible { .. })
}

/// Sweeps a day before this second and at it, so that the clock is proven. Returns what the second sweep did.
pub(in crate::store) async fn sweep_proven(
    store: &dyn Store,
    now: Timestamp,
    idle: SignedDuration,
) -> Swept {
    let day = SignedDuration::from_secs(DAY);
    store.sweep(now - day, idle).await.unwrap();
    store.sweep(now, idle).await.unwrap()
}

async fn log_in(store: &dyn Store, user: u8, seconds: i64) -> Login {
    let login = login(user, seconds);
    store.log_in(login.clone()).await.unwrap();
    login
}

async fn session(store: &dyn Store, login: &Login) -> Session {
    store.find(login.digest).await.unwrap().unwrap().0
}

/// Returns when a session was created and last used, and when it expires.
async fn times(store: &dyn Store, login: &Login) -> [Timestamp; 3] {
    let session = session(store, login).await;
    [session.created_at, session.last_seen, session.expires_at]
}

async fn a_sweep_removes_sessions_a_day_after_they_expired(store: &dyn Store) {
    let expired = log_in(store, 1, -3600 - DAY).await;
    let idle = log_in(store, 2, -60 - DAY).await;
    let live = log_in(store, 3, -59 - DAY).await;
    let used = Update::Used(at(-1 - DAY));
    store.update(expired.digest, used).await.unwrap();
    assert_eq!(removed(store, -DAY - 1).await, 0);
    assert_eq!(removed(store, -1).await, 0);
    assert_eq!(removed(store, 0).await, 2);
    assert!(!exists(store, expired.digest).await && !exists(store, idle.digest).await);
    assert!(exists(store, live.digest).await);
}

async fn a_new_store_removes_no_session_for_a_day(store: &dyn Store) {
    let expired = log_in(store, 1, -YEAR).await;
    for seconds in [0, 600, DAY - 1] {
        assert_eq!(removed(store, seconds).await, 0);
    }
    assert!(exists(store, expired.digest).await);
    assert_eq!(removed(store, DAY).await, 1);
}

async fn a_sweep_in_batches_removes_all_expired_sessions(store: &dyn Store) {
    let logins = (0..=249).map(|user| store.log_in(login(user, -YEAR)));
    join_all(logins).await;
    let live = log_in(store, 250, 0).await;
    removed(store, -DAY).await;
    let (mut total, mut calls) = (0, 0);
    loop {
        // Two at once remove each session once.
        let sweep = || store.sweep(at(0), MINUTE);
        let (one, other) = join(sweep(), sweep()).await;
        let mut is_last = false;
        for swept in [one, other] {
            let Swept::Rows {
                sessions,
                is_last: last,
            } = swept.unwrap()
            else {
                panic!("the clock is plausible");
            };
            assert!(sessions <= 100, "{sessions} in one batch");
            (total, calls, is_last) = (total + sessions, calls + 1, is_last || last);
        }
        if is_last {
            break;
        }
    }
    assert!((250, 3) <= (total, calls), "{total} in {calls} calls");
    assert_eq!((total, removed(store, 0).await), (250, 0));
    assert!(exists(store, live.digest).await);
}

async fn a_clock_that_jumps_ahead_removes_nothing(store: &dyn Store) {
    let live = log_in(store, 1, 0).await;
    removed(store, -DAY).await;
    removed(store, 0).await;
    for seconds in [YEAR, YEAR + 600, YEAR + DAY - 1, DAY + 1] {
        assert!(is_implausible(store, seconds).await, "{seconds}");
        assert!(exists(store, live.digest).await);
    }
    assert_eq!(removed(store, 1).await, 0);
    assert_eq!(times(store, &live).await, [at(0), at(0), at(3600)]);
    // A jump of at most a day removes nothing that is live, because sessions are kept for a day.
    assert_eq!(removed(store, DAY).await, 0);
    assert!(exists(store, live.digest).await);
}

async fn a_clock_that_stays_ahead_for_a_day_is_believed(store: &dyn Store) {
    let old = log_in(store, 1, 0).await;
    assert_eq!(removed(store, 0).await, 0);
    for seconds in [YEAR, YEAR + DAY / 2] {
        assert!(is_implausible(store, seconds).await, "{seconds}");
    }
    assert_eq!(removed(store, YEAR + DAY).await, 1);
    assert!(!exists(store, old.digest).await);
}

async fn a_clock_that_jumps_back_changes_nothing(store: &dyn Store) {
    let live = log_in(store, 1, 0).await;
    let before = session(store, &live).await;
    removed(store, 0).await;
    for seconds in [-YEAR, -YEAR + 600, -DAY - 1] {
        assert!(is_implausible(store, seconds).await, "{seconds}");
    }
    assert_eq!(removed(store, 1).await, 0);
    assert_eq!(session(store, &live).await, before);
}

async fn sessions_of_the_future_begin_when_the_clock_returns(store: &dyn Store) {
    removed(store, 0).await;
    let future = log_in(store, 1, YEAR).await;
    assert!(is_implausible(store, YEAR).await);
    assert_eq!(session(store, &future).await.expires_at, at(YEAR + 3600));
    assert_eq!(removed(store, 600).await, 0);
    let corrected = times(store, &future).await;
    assert_eq!(corrected, [at(600), at(600), at(4200)]);
    assert!(exists(store, future.digest).await, "the cache differs");
}

async fn a_use_in_the_future_does_not_prolong_a_session(store: &dyn Store) {
    removed(store, 0).await;
    let login = log_in(store, 1, 0).await;
    let used = Update::Used(at(YEAR));
    assert!(store.update(login.digest, used).await.unwrap());
    assert_eq!(removed(store, 600).await, 0);
    let corrected = times(store, &login).await;
    assert_eq!(corrected, [at(0), at(600), at(3600)]);
}
