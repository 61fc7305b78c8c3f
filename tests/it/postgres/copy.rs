//! `weapp-login store copy` and `store migrate`.

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{CODE, TestDatabase};
use crate::harness::Folder;
use crate::server::{Binary, command, run};

const FROM: &str = "sqlite://data/weapp.db";
const USERS: u32 = 10_000;

fn copy(folder: &Folder, to: &str) -> Command {
    let mut command = command(folder, &[]);
    command.args(["store", "copy", "--from", FROM, "--to", to]);
    command
}

#[track_caller]
fn check(output: &Output, code: i32, says: &str) {
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(says), "no `{says}` in:\n{text}");
}

/// Adds users with a session each.
fn fill(folder: &Folder) {
    let file = folder.path().join("data/weapp.db");
    let connection = Connection::open(file).unwrap();
    let sql = format!(
        "BEGIN;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {USERS})
         INSERT INTO user (id, subject, openid, created_at) SELECT randomblob(16), randomblob(32), randomblob(60), 1800000000000 FROM n;
         INSERT INTO session (digest, id, user, app, created_at, expires_at, last_seen, device, session_keys)
             SELECT randomblob(32), randomblob(16), id, 'wx0123456789abcdef', created_at, created_at + 1, created_at, '', randomblob(60)
             FROM user WHERE created_at = 1800000000000;
         COMMIT"
    );
    connection.execute_batch(&sql).unwrap();
}

/// Kills a copy when it has some of the sessions.
fn kill_in_the_middle(folder: &Folder, to: &TestDatabase) {
    // Lets each batch of sessions take a while.
    to.ask(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END';
         CREATE TRIGGER wait AFTER INSERT ON session EXECUTE FUNCTION wait()",
    );
    let mut killed = copy(folder, &to.url())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while to.ask("SELECT count(*) > 2000 FROM session") != "t" {
        assert!(Instant::now() < deadline, "nothing is copied");
        thread::sleep(Duration::from_millis(20));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    to.ask("DROP TRIGGER wait ON session");
    let copied: u32 = to.ask("SELECT count(*) FROM session").parse().unwrap();
    assert!(copied > 2000 && copied < USERS, "{copied}");
}

#[test]
fn an_interrupted_copy_of_many_users_continues_and_all_stay_logged_in() {
    let Some(to) = TestDatabase::create() else {
        return;
    };
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let (token, user) = server.log_in(CODE);
    let (status, _) = server.ask("PUT", "/user", &token, r#"{"nickname":"小梅"}"#);
    assert_eq!(status, 200);
    let before = server.ask("GET", "/session", &token, "");
    let (ended, _) = server.log_in(CODE);
    assert_eq!(server.ask("DELETE", "/session", &ended, "").0, 200);
    server.stop();
    fill(&folder);

    let url = to.url();
    let migrate = [("WEAPP_STORE__URL", url.as_str())];
    let migrate = || run(&folder, &migrate, &["store", "migrate"]);
    check(
        &migrate(),
        0,
        &format!("created the tables of `{url}`, with schema "),
    );
    check(&migrate(), 0, "already\n");
    kill_in_the_middle(&folder, &to);
    let output = copy(&folder, &url).output().unwrap();
    let total = USERS + 1;
    check(
        &output,
        0,
        &format!("copied {total} users, {total} sessions, "),
    );
    assert!(output.stderr.is_empty(), "{output:?}");

    let server = to.serve(&folder);
    assert_eq!(server.ask("GET", "/session", &token, ""), before);
    assert_eq!(server.ask("GET", "/session", &ended, "").0, 401);
    assert_eq!(server.log_in(CODE).1, user);
    drop(server);
    check(
        &copy(&folder, &url).output().unwrap(),
        2,
        "hint: copy to an empty database",
    );
}

#[test]
fn progress_is_shown_on_a_terminal_only() {
    let folder = Folder::new();
    drop(Binary::start(&folder, &[]));
    let output = copy(&folder, "sqlite://copy.db").output().unwrap();
    check(&output, 0, "copied 0 users, 0 sessions, ");
    assert!(output.stderr.is_empty(), "{output:?}");
    // util-linux's `script` runs a command in a terminal.
    let line = format!(
        "{} store copy --from {FROM} --to sqlite://copy.db",
        env!("CARGO_BIN_EXE_weapp-login")
    );
    let terminal = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output();
    if let Ok(output) = terminal {
        check(&output, 0, "sessions: 0 of 0");
    }
}

#[test]
fn a_password_in_the_url_is_rejected_and_not_printed() {
    let folder = Folder::new();
    drop(Binary::start(&folder, &[]));
    let output = copy(&folder, "postgres://weapp:hunter2@127.0.0.1/weapp")
        .output()
        .unwrap();
    check(&output, 2, "hint: remove it, and set `store.password`");
    assert!(!format!("{output:?}").contains("hunter2"), "{output:?}");
}
