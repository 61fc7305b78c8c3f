//! Tests that the session cache agrees with the file: after changes by this process, by another process, and during a
//! change.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use rusqlite::Connection;

use crate::session::{Sealed, SessionStatus};
use crate::store::cached::{CachedStore, Invalidation as _};
use crate::store::contract;
use crate::store::interface::{Login, Revocation, Store, Update};
use crate::store::session_cache::{Lookup, SessionCache};
use crate::store::sqlite::Sqlite;
use crate::store::temporary::Folder;

/// A store with its cache, as one process has it.
struct Node {
    store: CachedStore,
    backend: Arc<Sqlite>,
    cache: Arc<SessionCache>,
}

impl Deref for Node {
    type Target = CachedStore;

    fn deref(&self) -> &CachedStore {
        &self.store
    }
}

impl Node {
    async fn open(file: &Path) -> Self {
        let cache = Arc::new(SessionCache::new());
        let backend = Arc::new(Sqlite::open(file, Arc::clone(&cache)).await.unwrap());
        let invalidation: Arc<Sqlite> = Arc::clone(&backend);
        Self {
            store: CachedStore::new(invalidation, Arc::clone(&cache)),
            backend,
            cache,
        }
    }

    async fn status(&self, login: &Login) -> Option<SessionStatus> {
        self.store.session_status(login.digest).await.unwrap()
    }

    /// Returns `true` if the status would be read from the cache.
    async fn is_cached(&self, login: &Login) -> bool {
        self.backend.is_cache_current().await
            && matches!(self.cache.get(login.digest), Lookup::Hit(_))
    }

    /// Reads the status until it is cached, which takes a look of the writer thread at the file.
    async fn fill(&self, login: &Login) {
        for _ in 0..1000 {
            assert!(self.status(login).await.is_some());
            if self.is_cached(login).await {
                return;
            }
            actix_rt::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        panic!("the session is never cached");
    }
}

#[actix_rt::test]
async fn a_cached_session_survives_changes_of_other_sessions() {
    let folder = Folder::new();
    let store = Node::open(&folder.file("weapp.db")).await;
    let (mine, other) = (contract::login(1, 0), contract::login(2, 0));
    store.log_in(mine.clone()).await.unwrap();
    store.log_in(other.clone()).await.unwrap();
    store.fill(&mine).await;
    let keys = Update::SessionKeys(Sealed(vec![1]));
    assert!(store.update(other.digest, keys).await.unwrap());
    assert_eq!(contract::log_out(&store.store, &other).await, 1);
    // The writer confirms its own commits right after it has replied.
    store.fill(&mine).await;
    assert!(!store.is_cached(&other).await);
}

#[actix_rt::test]
async fn a_revocation_by_another_process_is_effective_at_once() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let store = Node::open(&file).await;
    let other = Connection::open(&file).unwrap();
    let logins: Vec<_> = (0..100).map(|user| contract::login(user, 0)).collect();
    for login in &logins {
        store.log_in(login.clone()).await.unwrap();
    }
    for login in &logins {
        store.fill(login).await;
        let ended = other.execute("DELETE FROM session WHERE digest = ?1", [login.digest.0]);
        assert_eq!(ended, Ok(1));
        assert_eq!(store.status(login).await, None);
    }
}

#[actix_rt::test]
async fn a_revocation_by_another_process_during_a_write_is_effective_at_once() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let (store, other) = (Node::open(&file).await, Node::open(&file).await);
    for round in 0..50 {
        let (mine, theirs) = (contract::login(1, round), contract::login(2, round));
        store.log_in(mine.clone()).await.unwrap();
        store.fill(&mine).await;
        let revocation = other.revoke(Revocation::Session(mine.digest));
        let (ended, logged_in) =
            futures_util::future::join(revocation, store.log_in(theirs.clone())).await;
        assert_eq!((ended.unwrap(), logged_in.is_ok()), (1, true));
        assert_eq!(store.status(&mine).await, None);
        assert!(store.status(&theirs).await.is_some());
    }
}

/// Readers fill the cache while a session is revoked. After the reply to the revocation, no reader finds it.
#[actix_rt::test]
async fn an_acknowledged_revocation_is_seen_by_racing_readers() {
    let folder = Folder::new();
    let store = Arc::new(Node::open(&folder.file("weapp.db")).await);
    for round in 0..100 {
        let login = contract::login(1, round);
        store.log_in(login.clone()).await.unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (store, login, ended) = (Arc::clone(&store), login.clone(), Arc::clone(&ended));
                thread::spawn(move || {
                    actix_rt::System::new().block_on(async move {
                        for after in [false, true] {
                            while ended.load(Ordering::Acquire) == after {
                                let found = store.status(&login).await.is_some();
                                if after {
                                    return found;
                                }
                            }
                        }
                        store.status(&login).await.is_some()
                    })
                })
            })
            .collect();
        thread::yield_now();
        assert_eq!(contract::log_out(&store.store, &login).await, 1);
        ended.store(true, Ordering::Release);
        for reader in readers {
            assert!(!reader.join().unwrap(), "round {round}");
        }
    }
}

#[actix_rt::test]
async fn a_slot_that_was_reserved_before_a_change_stays_empty() {
    let folder = Folder::new();
    let store = Node::open(&folder.file("weapp.db")).await;
    let login = contract::login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    store.fill(&login).await;
    let status = store.status(&login).await.unwrap();
    let one: fn(&SessionCache, &Login) = |cache, login| cache.evict(login.digest);
    let all: fn(&SessionCache, &Login) = |cache, _login| cache.clear();
    for invalidate in [one, all] {
        store.cache.evict(login.digest);
        let Lookup::Miss(Some(slot)) = store.cache.get(login.digest) else {
            panic!("there is no free slot");
        };
        invalidate(&store.cache, &login);
        slot.fill(&status);
        assert!(!store.is_cached(&login).await);
    }
}

#[derive(Debug, Clone)]
enum Step {
    LogIn { at: bool, user: u8, replaces: usize },
    Use { at: bool, session: usize },
    End { at: bool, session: usize },
    EndAll { at: bool, user: u8 },
    Sweep { at: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let (at, user, session) = (any::<bool>(), 0..3_u8, 0..12_usize);
    prop_oneof![
        4 => (at, user.clone(), session.clone())
            .prop_map(|(at, user, replaces)| Step::LogIn { at, user, replaces }),
        2 => (at, session.clone()).prop_map(|(at, session)| Step::Use { at, session }),
        3 => (at, session).prop_map(|(at, session)| Step::End { at, session }),
        1 => (at, user).prop_map(|(at, user)| Step::EndAll { at, user }),
        1 => at.prop_map(|at| Step::Sweep { at }),
    ]
}

/// Runs the steps on two nodes with one file. After each step, both return what the file contains.
async fn play(steps: Vec<Step>) -> TestCaseResult {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let nodes = [Node::open(&file).await, Node::open(&file).await];
    let (mut logins, mut seconds) = (Vec::<Login>::new(), 0);
    for step in steps {
        seconds += 6 * 3600;
        take(&step, &nodes, &mut logins, seconds).await;
        check_against_file(&nodes, &logins).await?;
    }
    Ok(())
}

async fn take(step: &Step, nodes: &[Node; 2], logins: &mut Vec<Login>, seconds: i64) {
    let node = |at: bool| &nodes[usize::from(at)];
    let now = contract::login(0, seconds).now;
    match *step {
        Step::LogIn { at, user, replaces } => {
            let mut login = contract::login(user, seconds);
            login.replaces = logins.get(replaces).map(|login| login.digest);
            node(at).log_in(login.clone()).await.unwrap();
            logins.push(login);
        }
        Step::Use { at, session } => {
            if let Some(login) = logins.get(session) {
                let used = Update::Used(now);
                node(at).update(login.digest, used).await.unwrap();
            }
        }
        Step::End { at, session } => {
            if let Some(login) = logins.get(session) {
                contract::log_out(&node(at).store, login).await;
            }
        }
        Step::EndAll { at, user } => {
            let found = logins.iter().find(|login| login.subject.0[0] == user);
            if let Some(login) = found
                && let Some((session, _)) = node(at).find(login.digest).await.unwrap()
            {
                let revocation = Revocation::AllOf(session.user);
                node(at).revoke(revocation).await.unwrap();
            }
        }
        Step::Sweep { at } => {
            let idle = jiff::SignedDuration::from_mins(10);
            contract::sweep_proven(&node(at).store, now, idle).await;
        }
    }
}

async fn check_against_file(nodes: &[Node; 2], logins: &[Login]) -> TestCaseResult {
    for login in logins {
        let stored = nodes[0].find(login.digest).await.unwrap();
        let stored = stored.map(|(session, _)| {
            let times = (session.created_at, session.expires_at, session.last_seen);
            (session.user, times)
        });
        for node in nodes {
            let status = node.status(login).await.map(|status| {
                let times = (status.created_at, status.expires_at, status.last_seen);
                (status.user, times)
            });
            prop_assert_eq!(status, stored);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn two_nodes_always_return_what_the_file_contains(
        steps in prop::collection::vec(step(), 1..30)
    ) {
        actix_rt::System::new().block_on(play(steps))?;
    }
}
