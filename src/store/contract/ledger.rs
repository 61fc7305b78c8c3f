//! The ledger: one holder at a time, values that expire, leases that expire.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::SignedDuration;

use crate::session::Sealed;
use crate::store::contract::at;
use crate::store::interface::{Error, Store};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey, Version};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    one_of_many_claims_takes_the_lease(&*fresh().await).await;
    a_value_is_returned_until_it_expires(&*fresh().await).await;
    a_stale_value_is_returned_to_others_while_it_is_replaced(&*fresh().await).await;
    a_lease_expires(&*fresh().await).await;
    a_released_record_can_be_claimed_at_once(&*fresh().await).await;
    a_holder_may_claim_again(&*fresh().await).await;
    a_discarded_record_is_gone(&*fresh().await).await;
    records_are_independent(&*fresh().await).await;
    a_sweep_leaves_live_values_and_live_leases(&*fresh().await).await;
    a_closed_ledger_returns_an_error(&*fresh().await).await;
}

const KEY: LedgerKey = LedgerKey([7; 32]);
/// Any value is acceptable.
const ANY: Option<Version> = None;

/// Returns a claim of this holder at this second, for ten seconds.
fn request(holder: u8, seconds: i64, stale: Option<Version>) -> Claim {
    Claim {
        key: KEY,
        holder: Holder([holder; 16]),
        now: at(seconds),
        until: at(seconds + 10),
        stale,
    }
}

async fn claim(store: &dyn Store, holder: u8, seconds: i64, stale: Option<Version>) -> Claimed {
    store.claim(request(holder, seconds, stale)).await.unwrap()
}

/// Returns the value and its version. Panics if there is none.
#[track_caller]
fn kept(claimed: Claimed) -> (Vec<u8>, Version) {
    match claimed {
        Claimed::Kept { value, version, .. } => (value.0, version),
        Claimed::Yours | Claimed::Held { .. } => panic!("no value: {claimed:?}"),
    }
}

/// Keeps this value for the holder, until this second. Returns `false` if the holder has lost the lease.
async fn keep(store: &dyn Store, holder: u8, value: u8, seconds: i64) -> bool {
    let (holder, value) = (Holder([holder; 16]), Sealed(vec![value]));
    let version = store.keep(KEY, holder, value, at(seconds)).await.unwrap();
    version.is_some()
}

async fn one_of_many_claims_takes_the_lease(store: &dyn Store) {
    let claims = (0..64).map(|holder| store.claim(request(holder, 0, ANY)));
    let answers = join_all(claims).await.into_iter().map(Result::unwrap);
    let (yours, held): (Vec<_>, Vec<_>) =
        answers.partition(|answer| matches!(answer, Claimed::Yours));
    assert_eq!(yours.len(), 1);
    let until = Claimed::Held { until: at(10) };
    assert!(held.iter().all(|answer| *answer == until), "{held:?}");
}

async fn a_value_is_returned_until_it_expires(store: &dyn Store) {
    assert_eq!(claim(store, 1, 0, ANY).await, Claimed::Yours);
    let (holder, value) = (Holder([1; 16]), Sealed(vec![42]));
    let version = store.keep(KEY, holder, value, at(100)).await.unwrap();
    let version = version.unwrap();
    let whole = Claimed::Kept {
        value: Sealed(vec![42]),
        version,
        expires_at: at(100),
    };
    for (holder, seconds) in [(1, 1), (2, 1), (2, 99)] {
        assert_eq!(claim(store, holder, seconds, ANY).await, whole);
    }
    let expired = claim(store, 2, 100, ANY).await;
    assert_eq!(expired, Claimed::Yours, "at the instant of expiry");
}

async fn a_stale_value_is_returned_to_others_while_it_is_replaced(store: &dyn Store) {
    claim(store, 1, 0, ANY).await;
    assert!(keep(store, 1, 42, 100).await);
    let first = Some(kept(claim(store, 1, 1, ANY).await).1);
    let held = Claimed::Held { until: at(11) };
    assert_eq!(claim(store, 1, 1, first).await, Claimed::Yours);
    assert_eq!(claim(store, 2, 2, first).await, held);
    assert_eq!(
        kept(claim(store, 3, 2, ANY).await).0,
        [42],
        "not stale for this caller"
    );
    assert!(keep(store, 1, 43, 100).await);
    let (value, version) = kept(claim(store, 2, 3, first).await);
    assert!(value == [43] && Some(version) != first);
}

async fn a_lease_expires(store: &dyn Store) {
    claim(store, 1, 0, ANY).await;
    let held = Claimed::Held { until: at(10) };
    assert_eq!(claim(store, 2, 9, ANY).await, held);
    assert_eq!(claim(store, 2, 10, ANY).await, Claimed::Yours);
    assert!(!keep(store, 1, 1, 100).await, "the lease has expired");
    assert!(keep(store, 2, 2, 100).await);
    assert!(!keep(store, 2, 3, 100).await, "one value per claim");
    assert_eq!(kept(claim(store, 3, 11, ANY).await).0, [2]);
}

async fn a_released_record_can_be_claimed_at_once(store: &dyn Store) {
    claim(store, 1, 0, ANY).await;
    store.release(KEY, Holder([2; 16])).await.unwrap();
    let held = Claimed::Held { until: at(10) };
    assert_eq!(
        claim(store, 2, 1, ANY).await,
        held,
        "released by another holder"
    );
    store.release(KEY, Holder([1; 16])).await.unwrap();
    assert!(!keep(store, 1, 1, 100).await);
    assert_eq!(claim(store, 2, 1, ANY).await, Claimed::Yours);
    // The old value stays when a replacement is abandoned.
    assert!(keep(store, 2, 2, 100).await);
    let version = Some(kept(claim(store, 3, 1, ANY).await).1);
    assert_eq!(claim(store, 3, 2, version).await, Claimed::Yours);
    store.release(KEY, Holder([3; 16])).await.unwrap();
    assert_eq!(kept(claim(store, 4, 3, ANY).await).0, [2]);
}

async fn a_discarded_record_is_gone(store: &dyn Store) {
    claim(store, 1, 0, ANY).await;
    assert!(keep(store, 1, 42, 100).await);
    let version = Some(kept(claim(store, 2, 1, ANY).await).1);
    store.discard(KEY, Holder([2; 16])).await.unwrap();
    assert_eq!(
        kept(claim(store, 2, 1, ANY).await).0,
        [42],
        "discarded without the lease"
    );
    claim(store, 2, 1, version).await;
    store.discard(KEY, Holder([2; 16])).await.unwrap();
    assert!(!keep(store, 2, 43, 100).await, "the record is gone");
    assert_eq!(claim(store, 3, 1, ANY).await, Claimed::Yours);
}

async fn a_holder_may_claim_again(store: &dyn Store) {
    for seconds in [0, 5] {
        let again = claim(store, 1, seconds, ANY).await;
        assert_eq!(again, Claimed::Yours);
    }
    let held = Claimed::Held { until: at(15) };
    assert_eq!(claim(store, 2, 12, ANY).await, held);
}

async fn records_are_independent(store: &dyn Store) {
    claim(store, 1, 0, ANY).await;
    assert!(keep(store, 1, 1, 100).await);
    let mut other = request(2, 1, ANY);
    other.key = LedgerKey([8; 32]);
    assert_eq!(store.claim(other).await.unwrap(), Claimed::Yours);
    assert_eq!(kept(claim(store, 3, 1, ANY).await).0, [1]);
    // The boundaries between the parts are part of the key.
    assert_ne!(
        LedgerKey::of("a", &["bc", ""]),
        LedgerKey::of("a", &["b", "c"])
    );
    assert_ne!(LedgerKey::of("a", &["b"]), LedgerKey::of("ab", &[]));
}

async fn a_sweep_leaves_live_values_and_live_leases(store: &dyn Store) {
    let hour = SignedDuration::from_hours(1);
    claim(store, 1, 0, ANY).await;
    store.sweep(at(9), hour).await.unwrap();
    assert!(keep(store, 1, 42, 100).await, "its lease was live");
    store.sweep(at(99), hour).await.unwrap();
    let (value, version) = kept(claim(store, 2, 99, ANY).await);
    assert_eq!(value, [42]);
    claim(store, 2, 99, Some(version)).await;
    store.sweep(at(108), hour).await.unwrap();
    let held = Claimed::Held { until: at(109) };
    assert_eq!(claim(store, 3, 108, ANY).await, held);
    store.sweep(at(109), hour).await.unwrap();
    assert!(!keep(store, 2, 43, 200).await, "the record was removed");
}

async fn a_closed_ledger_returns_an_error(store: &dyn Store) {
    store.close().await.unwrap();
    let (holder, value) = (Holder([1; 16]), Sealed(vec![1]));
    let claimed = store.claim(request(1, 0, ANY)).await;
    assert!(matches!(claimed, Err(Error::Closed)));
    let kept = store.keep(KEY, holder, value, at(1)).await;
    assert!(matches!(kept, Err(Error::Closed)));
    let released = store.release(KEY, holder).await;
    assert!(matches!(released, Err(Error::Closed)));
}
