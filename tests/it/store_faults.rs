//! The server while its database is locked, deleted or replaced.

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::{Folder, TestApp, now};
use crate::server::{Binary, run};

/// Older than the age at which the last use is recorded.
const TWO_HOURS: i64 = 2 * 3600 * 1000;

#[actix_rt::test]
async fn a_request_does_not_wait_for_the_record_of_its_use() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.set_idle(TWO_HOURS);
    let holder = app.lock_store();
    let start = Instant::now();
    for _ in 0..24 {
        assert_eq!(app.show_session(&token).await.status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(4), "it waited");
    drop(holder);
    app.wait_for_use_since(now() - Duration::from_hours(1))
        .await;
}

#[actix_rt::test]
async fn an_expired_session_is_rejected_while_the_store_is_locked() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.set_idle(100 * TWO_HOURS);
    let _holder = app.lock_store();
    let start = Instant::now();
    let reply = app.show_session(&token).await;
    reply.assert_error(401, "session_required");
    assert!(start.elapsed() < Duration::from_secs(4), "it waited");
}

/// Logs in, and returns the token.
fn log_in(server: &Binary) -> String {
    server.log_in("the code is a mock one").0
}

#[cfg(unix)]
#[test]
fn a_replaced_database_ends_no_session_and_accepts_no_login() {
    let folder = Folder::new();
    let file = |name: &str| folder.path().join(name);
    let mut server = Binary::start(&folder, &[]);
    let ended = log_in(&server);
    assert_eq!(server.ask("DELETE", "/session", &ended, "").0, 200);
    let before = log_in(&server);
    let output = run(&folder, &[], &["store", "backup", "backup.db"]);
    assert!(output.status.success(), "{output:?}");
    let after = log_in(&server);
    assert_eq!(server.ask("GET", "/session", &after, "").0, 200);

    fs::rename(file("backup.db"), file("data/weapp.db")).unwrap();
    assert_eq!(server.login("the code is a mock one").0, 503);
    for (method, path) in [
        ("GET", "/session"),
        ("DELETE", "/session"),
        ("GET", "/auth"),
    ] {
        for token in [&ended, &before, &after] {
            let (status, reply) = server.ask(method, path, token, "");
            assert_eq!(
                (status, &reply["error"]),
                (503, &"store_unavailable".into())
            );
        }
    }
    // A check that succeeded is repeated for a second.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.ask("GET", "/readyz", "", "").0, 503);
    assert_eq!(server.ask("GET", "/livez", "", "").0, 200);
    let says = "was deleted or replaced while the server runs, so all requests";
    server.wait_for(says);
    assert_eq!(server.stop().matches(says).count(), 1, "logged once");

    let server = Binary::start(&folder, &[]);
    for (token, status) in [(&ended, 401), (&before, 200), (&after, 401)] {
        assert_eq!(server.ask("GET", "/session", token, "").0, status);
    }
}

#[cfg(unix)]
#[test]
fn a_deleted_database_is_an_error_until_the_restart() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let token = log_in(&server);
    fs::remove_file(folder.path().join("data/weapp.db")).unwrap();
    assert_eq!(server.login("the code is a mock one").0, 503);
    assert_eq!(server.ask("GET", "/session", &token, "").0, 503);
    assert_eq!(server.ask("GET", "/readyz", "", "").0, 503);
    server.stop();
    let server = Binary::start(&folder, &[]);
    assert_eq!(server.ask("GET", "/session", &token, "").0, 401);
    log_in(&server);
}
