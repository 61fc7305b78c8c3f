//! Tests of work that is done once.

use std::cell::Cell;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::store::interface::Store;
use crate::store::once::{Error, Once, Record, Turn, Verdict};
use crate::store::open;
use crate::store::temporary::Folder;

const LEASE: SignedDuration = SignedDuration::from_millis(300);

async fn store() -> (Folder, Arc<dyn Store>) {
    let folder = Folder::new();
    let url = format!("sqlite://{}", folder.file("weapp.db").display());
    (folder, open(&url).await.unwrap())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn attempt(store: &Arc<dyn Store>, secret: &str, seconds: i64) -> Once {
    let record = Record::new("test", &["name"], &[secret]);
    Once::new(Arc::clone(store), record, LEASE, at(seconds)).unwrap()
}

/// Accepts every result that opens.
async fn read(once: &Once) -> Result<Turn<String>, Error> {
    let turn = once.read_or_lease(|stored| {
        let text = stored.text.map(str::to_owned);
        text.map_or(Verdict::Replace(None), Verdict::Use)
    });
    turn.await
}

/// Rejects every result, but may use it while another caller replaces it.
async fn renew(once: &Once) -> Turn<String> {
    let turn = once.read_or_lease(|stored| Verdict::Replace(stored.text.map(str::to_owned)));
    turn.await.unwrap()
}

#[track_caller]
fn found(turn: Result<Turn<String>, Error>) -> String {
    match turn.unwrap() {
        Turn::Found(text) => text,
        Turn::Leased { .. } => panic!("there is no result"),
    }
}

#[actix_rt::test]
async fn one_caller_works_and_the_others_wait_for_its_result() {
    let (_folder, store) = store().await;
    let worked = Cell::new(0);
    let callers = (0..16).map(async |_| {
        let once = attempt(&store, "s", 0);
        match read(&once).await.unwrap() {
            Turn::Found(text) => text,
            Turn::Leased { since, spare } => {
                assert!(since >= at(0) && spare.is_none());
                worked.set(worked.get() + 1);
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                assert!(once.keep("result", at(60)).await.unwrap().is_some());
                "result".to_owned()
            }
        }
    });
    let results = join_all(callers).await;
    assert_eq!(worked.get(), 1);
    assert!(results.iter().all(|text| text == "result"));
}

#[actix_rt::test]
async fn a_released_lease_is_taken_by_the_next_caller() {
    let (_folder, store) = store().await;
    let (first, second) = (attempt(&store, "s", 0), attempt(&store, "s", 0));
    assert!(matches!(read(&first).await, Ok(Turn::Leased { .. })));
    first.release().await;
    assert!(matches!(read(&second).await, Ok(Turn::Leased { .. })));
    assert_eq!(first.keep("late", at(60)).await.unwrap(), None);
    assert!(second.keep("result", at(60)).await.unwrap().is_some());
    assert_eq!(found(read(&first).await), "result");
}

#[actix_rt::test]
async fn a_lease_that_expires_is_taken_over() {
    let (_folder, store) = store().await;
    let (dead, next) = (attempt(&store, "s", 0), attempt(&store, "s", 0));
    assert!(matches!(read(&dead).await, Ok(Turn::Leased { .. })));
    let start = Instant::now();
    assert!(matches!(read(&next).await, Ok(Turn::Leased { .. })));
    let waited = SignedDuration::try_from(start.elapsed()).unwrap();
    assert!(waited < LEASE + SignedDuration::from_secs(2), "{waited}");
    assert_eq!(dead.keep("late", at(60)).await.unwrap(), None);
}

#[actix_rt::test]
async fn waiting_ends_after_two_leases() {
    let (_folder, store) = store().await;
    let writer = attempt(&store, "s", 0);
    assert!(matches!(read(&writer).await, Ok(Turn::Leased { .. })));
    assert!(writer.keep("in progress", at(60)).await.unwrap().is_some());
    let start = Instant::now();
    let waiter = attempt(&store, "s", 0);
    let turn = waiter.read_or_lease(|_stored| Verdict::<()>::Wait);
    assert!(matches!(turn.await, Err(Error::TimedOut)));
    let waited = SignedDuration::try_from(start.elapsed()).unwrap();
    assert!(waited >= 2 * LEASE, "{waited}");
}

#[actix_rt::test]
async fn an_old_result_is_used_while_another_caller_replaces_it() {
    let (_folder, store) = store().await;
    let [writer, renewer, other] = [(); 3].map(|()| attempt(&store, "s", 0));
    assert!(matches!(read(&writer).await, Ok(Turn::Leased { .. })));
    let version = writer.keep("old", at(60)).await.unwrap().unwrap();
    let Turn::Leased { spare, .. } = renew(&renewer).await else {
        panic!("the lease is free");
    };
    assert_eq!(spare.unwrap(), "old");
    assert_eq!(found(Ok(renew(&other).await)), "old");
    assert!(renewer.keep("new", at(60)).await.unwrap().is_some());
    assert_eq!(found(read(&other).await), "new");
    assert_eq!(writer.replace(version, "late", at(60)).await.unwrap(), None);
    assert_eq!(found(read(&writer).await), "new");
}

#[actix_rt::test]
async fn a_result_is_replaced_by_its_version() {
    let (_folder, store) = store().await;
    let once = attempt(&store, "s", 0);
    assert!(matches!(read(&once).await, Ok(Turn::Leased { .. })));
    let version = once.keep("old", at(60)).await.unwrap().unwrap();
    let replaced = once.replace(version, "new", at(60)).await.unwrap();
    assert!(replaced.is_some());
    assert_eq!(found(read(&attempt(&store, "s", 59)).await), "new");
    let expired = read(&attempt(&store, "s", 60)).await;
    assert!(matches!(expired, Ok(Turn::Leased { .. })));
}

#[actix_rt::test]
async fn a_result_with_another_secret_does_not_open() {
    let (_folder, store) = store().await;
    let (mine, other) = (attempt(&store, "s", 0), attempt(&store, "other", 0));
    assert!(matches!(read(&mine).await, Ok(Turn::Leased { .. })));
    assert!(mine.keep("result", at(60)).await.unwrap().is_some());
    let turn = read(&other).await;
    assert!(matches!(turn, Ok(Turn::Leased { spare: None, .. })));
}
