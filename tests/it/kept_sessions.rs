//! `weapp-login sessions …`: an operator lists and revokes sessions, with and without a running server.

use std::process::Output;

use serde_json::Value;

use crate::harness::{Folder, now};
use crate::server::{Binary, Connection, check_rejected, run};

const UNKNOWN_USER: &str = "00000000000000000000000000000000";

fn sessions(folder: &Folder, arguments: &[&str]) -> Output {
    let arguments: Vec<&str> = ["sessions"].iter().chain(arguments).copied().collect();
    run(folder, &[], &arguments)
}

#[track_caller]
fn done(folder: &Folder, arguments: &[&str]) -> String {
    let output = sessions(folder, arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn rejected(folder: &Folder, arguments: &[&str], says: &str) {
    check_rejected(&sessions(folder, arguments), &[says, "hint: "]);
}

const MEI_CODE: &str = "the code is a mock one";
const OTHER_CODE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";

fn status_of(connection: &mut Connection, token: &str) -> u16 {
    connection.ask("GET", "/session", token, "").unwrap().0
}

fn lines(folder: &Folder, user: &str) -> Vec<Value> {
    let listed = done(folder, &["list", "--json", "--user", user]);
    let lines = listed.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// Lets a session expire in the past.
fn expire(folder: &Folder, id: &str) {
    let database = rusqlite::Connection::open(folder.path().join("data/weapp.db")).unwrap();
    let sql = "UPDATE session SET expires_at = 1 WHERE hex(id) = upper(?1)";
    assert_eq!(database.execute(sql, [id]).unwrap(), 1);
}

const DAY: i64 = 24 * 3600 * 1000;

/// Lets the clock have been plausible since this number of milliseconds before now, and until then.
fn set_clock(folder: &Folder, since: i64, latest: i64) {
    let database = rusqlite::Connection::open(folder.path().join("data/weapp.db")).unwrap();
    let now = now().as_millisecond();
    let sql = "UPDATE clock SET since = ?1, latest = ?2, rival_since = NULL, rival_latest = NULL";
    let changed = database.execute(sql, [now - since, now - latest]);
    assert_eq!(changed.unwrap(), 1);
}

#[test]
fn a_running_server_rejects_a_session_revoked_on_the_command_line() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let (first, user) = server.log_in(MEI_CODE);
    let (second, _) = server.log_in(MEI_CODE);
    let (other, _) = server.log_in(OTHER_CODE);
    let mut connection = server.connect();
    for token in [&first, &second, &other] {
        assert_eq!(status_of(&mut connection, token), 200);
    }

    // The latest login comes first.
    let newest = lines(&folder, &user)[0]["id"].as_str().unwrap().to_owned();
    let ended = done(&folder, &["revoke", "--user", &user, "--session", &newest]);
    assert_eq!(ended, "revoked 1 session\n");
    assert_eq!(status_of(&mut connection, &second), 401);
    assert_eq!(status_of(&mut connection, &first), 200);

    server.log_in(MEI_CODE);
    let ended = done(&folder, &["revoke", "--user", &user]);
    assert_eq!(ended, "revoked 2 sessions\n");
    assert_eq!(status_of(&mut connection, &first), 401);
    assert_eq!(status_of(&mut connection, &other), 200);
    let nothing = done(&folder, &["revoke", "--user", &user]);
    assert_eq!(nothing, "revoked 0 sessions\n");

    let (again, _) = server.log_in(MEI_CODE);
    assert_eq!(
        status_of(&mut connection, &again),
        200,
        "the user is not banned"
    );
}

#[test]
fn a_list_identifies_sessions_and_shows_no_secret() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let (token, user) = server.log_in(MEI_CODE);
    let (_, shown) = server.ask("GET", "/sessions", &token, "");
    server.stop();

    let line = lines(&folder, &user).remove(0);
    let shown = &shown["data"]["sessions"][0];
    for field in ["id", "device", "created_at", "last_seen", "ends_at"] {
        assert_eq!(line[field], shown[field], "{field}");
    }
    let fields: Vec<_> = line.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        ["app", "created_at", "device", "ends_at", "id", "last_seen"]
    );
    let app = line["app"].as_str().unwrap();
    assert!(app.starts_with("wx"), "{line}");

    let table = done(&folder, &["list", "--user", &user]);
    let second = |field: &str| line[field].as_str().unwrap().split('.').next().unwrap();
    let (created, seen, ends) = (second("created_at"), second("last_seen"), second("ends_at"));
    assert_eq!(
        table,
        format!(
            "{:<32}  {:<18}  {:<20}  {:<20}  {:<20}  device\n{}  {app}  {created}Z  {seen}Z  {ends}Z  {}\n",
            "session",
            "app",
            "created",
            "last seen",
            "ends",
            line["id"].as_str().unwrap(),
            line["device"].as_str().unwrap(),
        )
    );
}

#[test]
fn expired_sessions_are_not_listed_or_counted_and_are_deleted() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let (_, user) = server.log_in(MEI_CODE);
    server.log_in(MEI_CODE);
    server.log_in(MEI_CODE);
    server.stop();
    assert_eq!(done(&folder, &["sweep"]), "deleted 0 expired sessions\n");

    let before = lines(&folder, &user);
    let expired = before[2]["id"].as_str().unwrap();
    expire(&folder, expired);
    assert_eq!(lines(&folder, &user), before[..2]);
    rejected(
        &folder,
        &["revoke", "--user", &user, "--session", expired],
        "no active session",
    );
    expire(&folder, before[1]["id"].as_str().unwrap());
    set_clock(&folder, 4 * DAY, 3 * DAY);
    let implausible = done(&folder, &["sweep"]);
    assert!(
        implausible.contains("because the clock jumped"),
        "{implausible}"
    );
    set_clock(&folder, 2 * DAY, DAY / 2);
    assert_eq!(done(&folder, &["sweep"]), "deleted 1 expired session\n");
    let last = before[0]["id"].as_str().unwrap();
    expire(&folder, last);
    assert_eq!(
        done(&folder, &["list", "--user", &user]),
        "no active sessions\n"
    );
    assert_eq!(done(&folder, &["list", "--json", "--user", &user]), "");
    assert_eq!(
        done(&folder, &["revoke", "--user", &user]),
        "revoked 0 sessions\n"
    );
}

#[test]
fn a_missing_database_user_or_session_is_an_error() {
    let folder = Folder::new();
    for arguments in [
        &["list", "--user", UNKNOWN_USER][..],
        &["revoke", "--user", UNKNOWN_USER],
        &["sweep"],
    ] {
        rejected(
            &folder,
            arguments,
            "the database `data/weapp.db` does not exist",
        );
    }
    assert!(!folder.path().join("data").exists());

    let mut server = Binary::start(&folder, &[]);
    let (_, user) = server.log_in(MEI_CODE);
    server.stop();
    let unknown = format!("user `{UNKNOWN_USER}` does not exist");
    rejected(&folder, &["list", "--user", UNKNOWN_USER], &unknown);
    rejected(&folder, &["revoke", "--user", UNKNOWN_USER], &unknown);
    rejected(
        &folder,
        &["revoke", "--user", &user, "--session", UNKNOWN_USER],
        "no active session",
    );
    assert_eq!(lines(&folder, &user).len(), 1, "nothing was revoked");
}
