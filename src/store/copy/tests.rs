//! Copies between databases of any backend.

use crate::identity::{AppId, KeyedDigest};
use crate::session::Sealed;
use crate::store::accounts::{LoginCount, NodeId};
use crate::store::contract;
use crate::store::copy::rows::CONTENTS;
use crate::store::copy::{Copied, CopyError, Progress};
use crate::store::database::Database;
use crate::store::interface::{KeptNumber, Login, Store};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey};
use crate::store::temporary::Folder;
use crate::store::{copy, open};

const USERS: u8 = 30;
const RECORD: LedgerKey = LedgerKey([5; 32]);

/// Writes users, sessions, a profile and a ledger record.
async fn fill(store: &dyn Store) -> Vec<Login> {
    let mut logins: Vec<_> = (1..=USERS)
        .map(|user| contract::login(user, user.into()))
        .collect();
    // Another session, and a user without a unionid.
    logins.push(contract::login(1, 0));
    logins[2].unionid = None;
    // Two identities of one user, and a conflict with another user.
    logins.push(contract::login(6, 60));
    for of_one_person in [0, 4, 31] {
        logins[of_one_person].person = vec![KeyedDigest([9; 32])];
    }
    let mut user = None;
    for login in &logins {
        user = Some(store.log_in(login.clone()).await.unwrap().user.id);
    }
    let change = contract::named("小梅 🌸");
    let changed = store.change_profile(user.unwrap(), change).await.unwrap();
    assert!(changed.is_some());
    let number = KeptNumber {
        sealed: Sealed(vec![8, 6]),
        digest: KeyedDigest([8; 32]),
    };
    let kept = store.keep_phone_number(user.unwrap(), number).await;
    assert!(kept.unwrap());
    let claimed = store.claim(claim(&logins[0])).await.unwrap();
    assert!(matches!(claimed, Claimed::Yours), "{claimed:?}");
    let (value, end) = (Sealed(vec![1, 2, 3]), logins[0].expires_at);
    let kept = store.keep(RECORD, Holder([1; 16]), value, end).await;
    assert!(kept.unwrap().is_some());
    let day = jiff::civil::date(2027, 1, 15);
    // In the order of their bytes.
    let counts = ["wxB", "wxa"].map(|app| LoginCount {
        day,
        app: AppId::new(app),
        logins: 7,
    });
    let counted = store.count_logins(NodeId([1; 16]), counts.to_vec(), day);
    counted.await.unwrap();
    logins
}

fn claim(login: &Login) -> Claim {
    Claim {
        key: RECORD,
        holder: Holder([1; 16]),
        now: login.now,
        until: login.expires_at,
        stale: None,
    }
}

async fn copy_quietly(
    from: &Database,
    to: &Database,
) -> Result<[Copied; CONTENTS.len()], CopyError> {
    copy(from, to, &mut |_progress| {}).await
}

#[track_caller]
fn check_counts(copied: &[Copied]) {
    let rows: Vec<_> = copied.iter().map(|table| table.rows).collect();
    assert_eq!(rows[..7], [30, 32, 1, 1, 1, 1, 2]);
}

/// Copies an empty database after it was filled, and copies it again. `to` is empty.
pub(crate) async fn check_copy(from: &Database, to: &Database) {
    let recording = |database: &Database| Database {
        records_events: true,
        ..database.clone()
    };
    let source = open(recording(from)).await.unwrap();
    let logins = fill(&*source).await;
    check_counts(&copy_quietly(from, to).await.unwrap());
    let target = open(recording(to)).await.unwrap();
    let events = target.events(Vec::new()).await.unwrap();
    assert!(!events.is_empty());
    assert_eq!(events, source.events(Vec::new()).await.unwrap());
    for login in &logins {
        let found = target.find(login.digest).await.unwrap();
        assert!(found.is_some());
        assert_eq!(found, source.find(login.digest).await.unwrap());
    }
    let claimed = target.claim(claim(&logins[0])).await.unwrap();
    assert!(matches!(claimed, Claimed::Kept { .. }), "{claimed:?}");
    check_counts(&copy_quietly(from, to).await.unwrap());
    check_other_rows(from, to, &*target).await;
}

/// A user that the source does not have.
async fn check_other_rows(from: &Database, to: &Database, target: &dyn Store) {
    let other = contract::login(99, 0);
    target.log_in(other.clone()).await.unwrap();
    let error = copy_quietly(from, to).await.unwrap_err();
    assert!(
        matches!(
            error,
            CopyError::OtherRows {
                contents: "users",
                ..
            }
        ),
        "{error}"
    );
    let message = error.to_string();
    assert!(message.contains("hint: copy to an empty database"));
    assert!(target.find(other.digest).await.unwrap().is_some());
}

fn at(folder: &Folder, name: &str) -> Database {
    format!("sqlite://{}", folder.file(name).display()).into()
}

#[actix_rt::test]
async fn a_copy_has_the_same_contents_and_overwrites_nothing() {
    let folder = Folder::new();
    check_copy(&at(&folder, "from.db"), &at(&folder, "to.db")).await;
}

#[actix_rt::test]
async fn an_interrupted_copy_continues() {
    let folder = Folder::new();
    let (from, to) = (at(&folder, "from.db"), at(&folder, "to.db"));
    fill(&*open(from.clone()).await.unwrap()).await;
    copy_quietly(&from, &to).await.unwrap();
    // The tables are copied one after the other, so a copy may end in the middle of any of them.
    let target = rusqlite::Connection::open(folder.file("to.db")).unwrap();
    for (sql, first) in [
        ("DELETE FROM ledger", [30, 32, 0]),
        (
            "DELETE FROM session WHERE digest > (SELECT digest FROM session ORDER BY digest LIMIT 1 OFFSET 6)",
            [30, 7, 0],
        ),
        (
            "DELETE FROM user WHERE id > (SELECT id FROM user ORDER BY id LIMIT 1 OFFSET 3)",
            [4, 0, 0],
        ),
        ("DELETE FROM user", [0, 0, 0]),
    ] {
        let order = [
            "login_count",
            "user_conflict",
            "union_identity",
            "ledger",
            "session",
            "user",
        ];
        for later in order.iter().take_while(|table| !sql.contains(*table)) {
            target
                .execute_batch(&format!("DELETE FROM {later}"))
                .unwrap();
        }
        target.execute_batch(sql).unwrap();
        let mut seen: Vec<Progress> = Vec::new();
        check_counts(
            &copy(&from, &to, &mut |progress| seen.push(progress))
                .await
                .unwrap(),
        );
        for (contents, done) in ["users", "sessions", "ledger records"].iter().zip(first) {
            let first = seen.iter().find(|progress| progress.contents == *contents);
            assert_eq!(first.unwrap().done, done, "{contents} after {sql}");
        }
    }
}

#[actix_rt::test]
async fn a_row_that_changes_during_the_copy_is_detected() {
    let changes = [
        "UPDATE session SET last_seen = last_seen + 1 WHERE rowid = 3",
        "DELETE FROM session WHERE rowid = 3",
        "UPDATE user SET nickname = 'x' WHERE rowid = 3",
        "UPDATE ledger SET value = x'00'",
    ];
    for change in changes {
        let folder = Folder::new();
        let (from, to) = (at(&folder, "from.db"), at(&folder, "to.db"));
        fill(&*open(from.clone()).await.unwrap()).await;
        let server = rusqlite::Connection::open(folder.file("from.db")).unwrap();
        let mut on_progress = |progress: Progress| {
            if progress.contents == "ledger records" && progress.done > 0 {
                server.execute_batch(change).unwrap();
            }
        };
        let error = copy(&from, &to, &mut on_progress).await.unwrap_err();
        assert!(
            matches!(error, CopyError::Changed { .. }),
            "{change}: {error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("hint: stop the servers that use them"),
            "{message}"
        );
    }
}

#[actix_rt::test]
async fn what_cannot_be_copied_is_rejected_and_not_created() {
    let folder = Folder::new();
    let (from, to) = (at(&folder, "from.db"), at(&folder, "to.db"));
    let same = copy_quietly(&from, &from).await.unwrap_err();
    assert!(matches!(same, CopyError::Same(_)), "{same}");
    let missing = copy_quietly(&from, &to).await.unwrap_err().to_string();
    assert!(missing.contains("does not exist\n  hint: "), "{missing}");
    assert!(!folder.file("from.db").exists());
    let unknown = copy_quietly(&"mysql://db".into(), &to).await.unwrap_err();
    assert!(matches!(unknown, CopyError::Open(_)), "{unknown}");
}
