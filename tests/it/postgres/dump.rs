//! Backup and restore with PostgreSQL's own programs, as docs/scale.md describes them.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{CODE, TestDatabase, run};
use crate::harness::Folder;

/// The log of revocations is for running nodes, and refers to transactions of the old server.
const DUMP: [&str; 2] = ["--format=custom", "--exclude-table-data=revocation"];
const RESTORE: [&str; 3] = ["--no-owner", "--exit-on-error", "--single-transaction"];

#[test]
fn a_dump_under_load_has_every_confirmed_login_and_logout() {
    let (Some(database), Some(restored)) = (TestDatabase::create(), TestDatabase::create()) else {
        return;
    };
    let folder = Folder::new();
    let settings = [
        ("WEAPP_STORE__URL", &*database.url()),
        ("WEAPP_SESSION__PER_USER", "1000"),
    ];
    let server = crate::server::Binary::start(&folder, &settings);
    let token = || server.log_in(CODE).0;
    let live: Vec<_> = (0..20).map(|_| token()).collect();
    let ended = token();
    assert_eq!(server.ask("DELETE", "/session", &ended, "").0, 200);
    let file = folder.path().join("weapp.dump");
    let file = file.to_str().unwrap();
    let done = AtomicBool::new(false);
    let during = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut logins = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(server.ask("DELETE", "/session", &token(), "").0, 200);
                logins += 1;
            }
            logins
        });
        let url = database.url();
        let [format, exclude] = DUMP;
        run("pg_dump", [format, exclude, "--file", file, &url]);
        done.store(true, Ordering::Relaxed);
        load.join().unwrap()
    });
    assert!(during > 0, "no load during the dump");

    let url = restored.url();
    let [owner, exit, single] = RESTORE;
    run("pg_restore", [owner, exit, single, "--dbname", &url, file]);
    let settings = [
        ("WEAPP_STORE__URL", &*url),
        ("WEAPP_SESSION__PER_USER", "1000"),
    ];
    let server = crate::server::Binary::start(&folder, &settings);
    for token in &live {
        assert_eq!(server.ask("GET", "/session", token, "").0, 200);
    }
    assert_eq!(server.ask("GET", "/session", &ended, "").0, 401);
    // A revocation on the new server is effective, too.
    assert_eq!(server.ask("DELETE", "/session", &live[0], "").0, 200);
    assert_eq!(server.ask("GET", "/session", &live[0], "").0, 401);
    assert_eq!(server.login(CODE).0, 200);
}

#[test]
fn the_documentation_has_these_commands() {
    for page in ["docs/scale.md", "docs/zh/scale.md"] {
        let page = format!("{}/{page}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(page).unwrap();
        for command in [
            format!("pg_dump {}", DUMP.join(" ")),
            format!("pg_restore {}", RESTORE.join(" ")),
        ] {
            assert!(text.contains(&command), "no `{command}`");
        }
    }
}
