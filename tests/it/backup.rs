//! `weapp-login store backup`: copies the database of a running server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::Folder;
use crate::server::{Binary, check_rejected, run};

#[track_caller]
fn rejected(folder: &Folder, file: &str, says: &str) {
    let output = run(folder, &[], &["store", "backup", file]);
    check_rejected(&output, &[says, "hint: "]);
}

fn token(server: &Binary) -> String {
    server.log_in("the code is a mock one").0
}

#[test]
fn a_copy_of_a_database_in_use_has_every_confirmed_login() {
    let folder = Folder::new();
    // More than the sessions that this test makes.
    let server = Binary::start(&folder, &[("WEAPP_SESSION__PER_USER", "1000")]);
    let before: Vec<_> = (0..20).map(|_| token(&server)).collect();
    let done = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                token(&server);
            }
        });
        let output = run(&folder, &[], &["store", "backup", "copy.db"]);
        done.store(true, Ordering::Relaxed);
        output
    });
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let copy = folder.path().join("copy.db");
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let restored = Folder::new();
    fs::create_dir(restored.path().join("data")).unwrap();
    fs::rename(copy, restored.path().join("data/weapp.db")).unwrap();
    let server = Binary::start(&restored, &[]);
    for token in &before {
        assert_eq!(server.ask("GET", "/session", token, "").0, 200);
    }
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_half_written() {
    let folder = Folder::new();
    rejected(
        &folder,
        "copy.db",
        "the database `data/weapp.db` does not exist",
    );
    let server = Binary::start(&folder, &[]);
    token(&server);
    let existing = folder.path().join("copy.db");
    fs::write(&existing, "precious").unwrap();
    rejected(&folder, "copy.db", "the file `copy.db` exists");
    assert_eq!(fs::read_to_string(&existing).unwrap(), "precious");
    fs::write(folder.path().join("file"), "").unwrap();
    rejected(
        &folder,
        "file/copy.db",
        "cannot be backed up to `file/copy.db`",
    );
    assert!(!folder.path().join("copy.db.partial").exists());
}
