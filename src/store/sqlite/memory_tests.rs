//! That memory never tells of a session otherwise than the file does: not after a change of this process's, not after one of
//! another's, and not while one is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use rusqlite::Connection;

use super::Sqlite;
use super::memory::{Memory, Recalled};
use super::tests::Folder;
use crate::session::{Sealed, SessionStatus};
use crate::store::{Login, Revocation, Store, Update, contract};

async fn session_status(store: &Sqlite, login: &Login) -> Option<SessionStatus> {
    store.session_status(login.digest).await.unwrap()
}

/// Whether memory alone can tell.
fn is_remembered(store: &Sqlite, login: &Login) -> bool {
    match store.memory.recall(login.digest) {
        Recalled::Known(_) => true,
        Recalled::Untrusted(look) => {
            // Whoever is told to have the writer look must do so, for nobody else is.
            if look {
                store.writer.look();
            }
            false
        }
        Recalled::Unknown(_) => false,
    }
}

/// Asks until memory can tell, which takes the writer's look at the file.
async fn remember(store: &Sqlite, login: &Login) {
    for _ in 0..1000 {
        assert!(session_status(store, login).await.is_some());
        if is_remembered(store, login) {
            return;
        }
        actix_rt::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("it is never remembered");
}

#[actix_rt::test]
async fn a_session_that_was_read_is_remembered_through_other_sessions_changes() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.file("weapp.db")).unwrap();
    let (mine, other) = (contract::login(1, 0), contract::login(2, 0));
    store.log_in(mine.clone()).await.unwrap();
    store.log_in(other.clone()).await.unwrap();
    remember(&store, &mine).await;
    let keys = Update::SessionKeys(Sealed(vec![1]));
    assert!(store.update(other.digest, keys).await.unwrap());
    assert_eq!(
        store
            .revoke(Revocation::Session(other.digest))
            .await
            .unwrap(),
        1
    );
    // The writer agrees with its own commits right after it has answered.
    remember(&store, &mine).await;
    assert!(!is_remembered(&store, &other));
}

#[actix_rt::test]
async fn what_another_process_ends_is_ended_here_at_once() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let store = Sqlite::open(&file).unwrap();
    let other = Connection::open(&file).unwrap();
    let logins: Vec<_> = (0..100).map(|user| contract::login(user, 0)).collect();
    for login in &logins {
        store.log_in(login.clone()).await.unwrap();
    }
    for login in &logins {
        remember(&store, login).await;
        let ended = other.execute("DELETE FROM session WHERE digest = ?1", [login.digest.0]);
        assert_eq!(ended, Ok(1));
        assert_eq!(session_status(&store, login).await, None);
    }
}

#[actix_rt::test]
async fn what_another_process_changes_while_this_one_writes_is_seen_too() {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let (store, other) = (Sqlite::open(&file).unwrap(), Sqlite::open(&file).unwrap());
    for round in 0..50 {
        let (mine, theirs) = (contract::login(1, round), contract::login(2, round));
        store.log_in(mine.clone()).await.unwrap();
        remember(&store, &mine).await;
        let revocation = other.revoke(Revocation::Session(mine.digest));
        let (ended, logged_in) =
            futures_util::future::join(revocation, store.log_in(theirs.clone())).await;
        assert_eq!((ended.unwrap(), logged_in.is_ok()), (1, true));
        assert_eq!(session_status(&store, &mine).await, None);
        assert!(session_status(&store, &theirs).await.is_some());
    }
}

/// Readers that fill memory while a session is being ended: once that was answered, none is told of it any more.
#[actix_rt::test]
async fn an_answered_ending_is_never_followed_by_a_live_answer() {
    let folder = Folder::new();
    let store = Arc::new(Sqlite::open(&folder.file("weapp.db")).unwrap());
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
                                let found = session_status(&store, &login).await.is_some();
                                if after {
                                    return found;
                                }
                            }
                        }
                        session_status(&store, &login).await.is_some()
                    })
                })
            })
            .collect();
        thread::yield_now();
        assert_eq!(
            store
                .revoke(Revocation::Session(login.digest))
                .await
                .unwrap(),
            1
        );
        ended.store(true, Ordering::Release);
        for reader in readers {
            assert!(!reader.join().unwrap(), "round {round}");
        }
    }
}

#[actix_rt::test]
async fn a_place_that_was_taken_before_a_change_stays_empty() {
    let folder = Folder::new();
    let store = Sqlite::open(&folder.file("weapp.db")).unwrap();
    let login = contract::login(1, 0);
    store.log_in(login.clone()).await.unwrap();
    remember(&store, &login).await;
    let read = session_status(&store, &login).await.unwrap();
    let one: fn(&Memory, &Login) = |memory, login| memory.forget(login.digest);
    let all: fn(&Memory, &Login) = |memory, _login| memory.forget_all();
    for forget in [one, all] {
        store.memory.forget(login.digest);
        let Recalled::Unknown(place) = store.memory.recall(login.digest) else {
            panic!("there is no place");
        };
        forget(&store.memory, &login);
        place.fill(&read);
        assert!(!is_remembered(&store, &login));
    }
}

#[derive(Debug, Clone)]
enum Step {
    LogIn { at: bool, user: u8 },
    Use { at: bool, session: usize },
    End { at: bool, session: usize },
    EndAll { at: bool, user: u8 },
    Sweep { at: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let (at, user, session) = (any::<bool>(), 0..3_u8, 0..12_usize);
    prop_oneof![
        4 => (at, user.clone()).prop_map(|(at, user)| Step::LogIn { at, user }),
        2 => (at, session.clone()).prop_map(|(at, session)| Step::Use { at, session }),
        3 => (at, session).prop_map(|(at, session)| Step::End { at, session }),
        1 => (at, user).prop_map(|(at, user)| Step::EndAll { at, user }),
        1 => at.prop_map(|at| Step::Sweep { at }),
    ]
}

/// Two processes on one file: after each step, both tell of each session what the file says.
async fn play(steps: Vec<Step>) -> TestCaseResult {
    let folder = Folder::new();
    let file = folder.file("weapp.db");
    let stores = [Sqlite::open(&file).unwrap(), Sqlite::open(&file).unwrap()];
    let of = |at: bool| &stores[usize::from(at)];
    let (mut logins, mut seconds) = (Vec::<Login>::new(), 0);
    for step in steps {
        seconds += 60;
        let now = contract::login(0, seconds).now;
        match step {
            Step::LogIn { at, user } => {
                logins.push(contract::login(user, seconds));
                of(at)
                    .log_in(logins[logins.len() - 1].clone())
                    .await
                    .unwrap();
            }
            Step::Use { at, session } => {
                if let Some(login) = logins.get(session) {
                    of(at)
                        .update(login.digest, Update::Used(now))
                        .await
                        .unwrap();
                }
            }
            Step::End { at, session } => {
                if let Some(login) = logins.get(session) {
                    of(at)
                        .revoke(Revocation::Session(login.digest))
                        .await
                        .unwrap();
                }
            }
            Step::EndAll { at, user } => {
                let found = logins.iter().find(|login| login.subject.0[0] == user);
                if let Some(login) = found
                    && let Some((session, _)) = of(at).find(login.digest).await.unwrap()
                {
                    of(at)
                        .revoke(Revocation::AllOf(session.user))
                        .await
                        .unwrap();
                }
            }
            Step::Sweep { at } => {
                let idle = jiff::SignedDuration::from_mins(10);
                of(at).sweep(now, idle).await.unwrap();
            }
        }
        agree_with_the_file(&stores, &logins).await?;
    }
    Ok(())
}

async fn agree_with_the_file(stores: &[Sqlite; 2], logins: &[Login]) -> TestCaseResult {
    for login in logins {
        let kept = stores[0].find(login.digest).await.unwrap();
        let kept = kept.map(|(session, _)| {
            let times = (session.created_at, session.expires_at, session.last_seen);
            (session.user, times)
        });
        for store in stores {
            let told = session_status(store, login).await.map(|told| {
                let times = (told.created_at, told.expires_at, told.last_seen);
                (told.user, times)
            });
            prop_assert_eq!(told, kept);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn two_processes_never_tell_of_a_session_otherwise_than_the_file(
        steps in prop::collection::vec(step(), 1..30)
    ) {
        actix_rt::System::new().block_on(play(steps))?;
    }
}
