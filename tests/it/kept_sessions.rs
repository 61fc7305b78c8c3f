//! `weapp-login sessions …`: an operator looks at sessions and ends them, beside a running server and without one.

use std::process::Output;

use serde_json::Value;

use crate::harness::Folder;
use crate::server::{Binary, Connection, run};

const NOBODY: &str = "00000000000000000000000000000000";

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
fn refused(folder: &Folder, arguments: &[&str], says: &str) {
    let output = sessions(folder, arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(says), "no `{says}` in:\n{stderr}");
    assert!(stderr.contains("hint: "), "{stderr}");
}

/// Logs in as the user of this code's number; gives the token and the user's id.
fn log_in(server: &Binary, code: &str) -> (String, String) {
    let (status, reply) = server.login(code);
    assert_eq!(status, 200, "{reply}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&reply["data"]["token"]),
        text(&reply["data"]["user"]["id"]),
    )
}

const MEI: &str = "the code is a mock one";
const SOMEBODY_ELSE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";

fn status_of(connection: &mut Connection, token: &str) -> u16 {
    connection.ask("GET", "/session", token, "").unwrap().0
}

fn lines(folder: &Folder, user: &str) -> Vec<Value> {
    let listed = done(folder, &["list", "--json", "--user", user]);
    let lines = listed.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// Makes this session one that was over long ago.
fn let_end(folder: &Folder, id: &str) {
    let database = rusqlite::Connection::open(folder.path().join("data/weapp.db")).unwrap();
    let sql = "UPDATE session SET expires_at = 1 WHERE hex(id) = upper(?1)";
    assert_eq!(database.execute(sql, [id]).unwrap(), 1);
}

#[test]
fn a_running_server_refuses_a_session_that_was_revoked_beside_it() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let (first, user) = log_in(&server, MEI);
    let (second, _) = log_in(&server, MEI);
    let (other, _) = log_in(&server, SOMEBODY_ELSE);
    let mut connection = server.connect();
    for token in [&first, &second, &other] {
        assert_eq!(status_of(&mut connection, token), 200);
    }

    // The latest login comes first.
    let newest = lines(&folder, &user)[0]["id"].as_str().unwrap().to_owned();
    let ended = done(&folder, &["revoke", "--user", &user, "--session", &newest]);
    assert_eq!(ended, "ended 1 session\n");
    assert_eq!(status_of(&mut connection, &second), 401);
    assert_eq!(status_of(&mut connection, &first), 200);

    let (_, _) = log_in(&server, MEI);
    let ended = done(&folder, &["revoke", "--user", &user]);
    assert_eq!(ended, "ended 2 sessions\n");
    assert_eq!(status_of(&mut connection, &first), 401);
    assert_eq!(status_of(&mut connection, &other), 200);
    let nothing = done(&folder, &["revoke", "--user", &user]);
    assert_eq!(nothing, "ended 0 sessions\n");

    let (again, _) = log_in(&server, MEI);
    assert_eq!(status_of(&mut connection, &again), 200, "it is no ban");
}

#[test]
fn a_list_tells_sessions_apart_and_no_secret() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let (token, user) = log_in(&server, MEI);
    let (_, shown) = server.ask("GET", "/sessions", &token, "");
    server.signal("TERM");
    server.wait();

    let line = lines(&folder, &user).remove(0);
    let shown = &shown["data"]["sessions"][0];
    for member in ["id", "device", "created_at", "last_seen", "ends_at"] {
        assert_eq!(line[member], shown[member], "{member}");
    }
    let members: Vec<_> = line.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["app", "created_at", "device", "ends_at", "id", "last_seen"]
    );
    let app = line["app"].as_str().unwrap();
    assert!(app.starts_with("wx"), "{line}");

    let table = done(&folder, &["list", "--user", &user]);
    let second = |member: &str| line[member].as_str().unwrap().split('.').next().unwrap();
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
fn what_is_over_is_neither_listed_nor_counted_and_is_swept_out() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let (_, user) = log_in(&server, MEI);
    log_in(&server, MEI);
    log_in(&server, MEI);
    server.signal("TERM");
    server.wait();
    assert_eq!(
        done(&folder, &["sweep"]),
        "swept out 0 sessions that were over\n"
    );

    let before = lines(&folder, &user);
    let over = before[2]["id"].as_str().unwrap();
    let_end(&folder, over);
    assert_eq!(lines(&folder, &user), before[..2]);
    refused(
        &folder,
        &["revoke", "--user", &user, "--session", over],
        "no live session",
    );
    let_end(&folder, before[1]["id"].as_str().unwrap());
    assert_eq!(
        done(&folder, &["sweep"]),
        "swept out 1 session that was over\n"
    );
    let last = before[0]["id"].as_str().unwrap();
    let_end(&folder, last);
    assert_eq!(
        done(&folder, &["list", "--user", &user]),
        "no live sessions\n"
    );
    assert_eq!(done(&folder, &["list", "--json", "--user", &user]), "");
    assert_eq!(
        done(&folder, &["revoke", "--user", &user]),
        "ended 0 sessions\n"
    );
}

#[test]
fn what_is_not_there_is_told_and_not_made() {
    let folder = Folder::new();
    for arguments in [
        &["list", "--user", NOBODY][..],
        &["revoke", "--user", NOBODY],
        &["sweep"],
    ] {
        refused(&folder, arguments, "there is no database `data/weapp.db`");
    }
    assert!(!folder.path().join("data").exists());

    let mut server = Binary::start(&folder, &[]);
    let (_, user) = log_in(&server, MEI);
    server.signal("TERM");
    server.wait();
    let unknown = format!("there is no user `{NOBODY}`");
    refused(&folder, &["list", "--user", NOBODY], &unknown);
    refused(&folder, &["revoke", "--user", NOBODY], &unknown);
    refused(
        &folder,
        &["revoke", "--user", &user, "--session", NOBODY],
        "no live session",
    );
    assert_eq!(lines(&folder, &user).len(), 1, "nothing was ended");
}
