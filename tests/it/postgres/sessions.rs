//! `weapp-login sessions` on PostgreSQL, while a server runs.

use super::{CODE, TestDatabase};
use crate::harness::Folder;
use crate::server::run;

#[test]
fn sessions_are_listed_revoked_and_swept_while_a_server_runs() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let (folder, url) = (Folder::new(), database.url());
    let sessions = |arguments: &[&str]| {
        let arguments = [&["sessions"], arguments].concat();
        let output = run(&folder, &[("WEAPP_STORE__URL", &url)], &arguments);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), text)
    };
    let server = database.serve(&folder);
    let logins = [(); 4].map(|()| server.log_in(CODE));
    let status = |(token, _): &(String, String)| server.ask("GET", "/session", token, "").0;
    let statuses = || logins.each_ref().map(status);
    assert_eq!(statuses(), [200; 4]);

    let (_, user) = &logins[0];
    let (code, list) = sessions(&["list", "--user", user, "--json"]);
    assert_eq!((code, list.lines().count()), (0, 4), "{list}");
    let latest: serde_json::Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    let latest = latest["id"].as_str().unwrap();
    let revoked = sessions(&["revoke", "--user", user, "--session", latest]);
    assert_eq!(revoked, (0, "revoked 1 session\n".to_owned()));
    assert_eq!(statuses(), [200, 200, 200, 401]);

    // The clock has been right for three days, and a session that was not used yet expired two days ago.
    server.log_in(CODE);
    let hour = 3_600_000;
    database.ask(&format!(
        "WITH now AS (SELECT (extract(epoch FROM now()) * 1000)::bigint AS now)
         UPDATE clock SET since = now - 72 * {hour}, latest = now FROM now;
         UPDATE session SET expires_at = last_seen - 48 * {hour} WHERE digest =
             (SELECT digest FROM session ORDER BY created_at DESC LIMIT 1)"
    ));
    let swept = sessions(&["sweep"]);
    assert_eq!(swept, (0, "deleted 1 expired session\n".to_owned()));
    let revoked = sessions(&["revoke", "--user", user]);
    assert_eq!(revoked, (0, "revoked 3 sessions\n".to_owned()));
    assert_eq!(statuses(), [401; 4]);

    let (code, unknown) = sessions(&["list", "--user", &"0".repeat(32)]);
    let says = format!("does not exist in the database `{url}`");
    assert!(code == 2 && unknown.contains(&says), "{unknown}");
}
