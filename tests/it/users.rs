//! `weapp-login users …`: an operator finds, blocks and deletes users, while the server runs.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::server::{Binary, check_rejected, command};

const UNKNOWN_USER: &str = "00000000000000000000000000000000";
const MEI_CODE: &str = "the code is a mock one";
const OTHER_CODE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";

/// A server and the settings that it shares with the commands.
struct Operated {
    folder: Folder,
    environment: Vec<(&'static str, String)>,
    server: Binary,
}

impl Operated {
    fn start(environment: &[(&'static str, &str)]) -> Self {
        let folder = Folder::new();
        let server = Binary::start(&folder, environment);
        let environment = environment.iter();
        let environment = environment.map(|(name, value)| (*name, (*value).to_owned()));
        Self {
            environment: environment.collect(),
            folder,
            server,
        }
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let environment = self.environment.iter();
        let environment: Vec<_> = environment
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut child = command(&self.folder, &environment)
            .arg("users")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that takes no input may have ended.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap_or_default();
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn rejected(&self, arguments: &[&str], says: &str) {
        check_rejected(&self.run(arguments, ""), &[says]);
    }

    #[track_caller]
    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let lines = self.done(arguments);
        let lines = lines.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    }
}

/// Runs each subcommand against the server of these settings.
pub(crate) fn check(environment: &[(&'static str, &str)]) {
    let operated = Operated::start(environment);
    let (token, mei) = operated.server.log_in(MEI_CODE);
    let (_, other) = operated.server.log_in(OTHER_CODE);
    let mut connection = operated.server.connect();
    let rename = connection.ask("PUT", "/user", &token, r#"{"nickname":"小美"}"#);
    assert_eq!(rename.unwrap().0, 200);

    let all = operated.lines(&["list", "--json"]);
    let mut ids: Vec<_> = all
        .iter()
        .map(|user| user["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let mut expected = [&*mei, &*other];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    let found = operated.lines(&["list", "--json", "--nickname", "美"]);
    let app = found[0]["app"].as_str().unwrap().to_owned();
    let expected = json!([{
        "id": mei,
        "app": app,
        "nickname": "小美",
        "avatar_url": null,
        "created_at": found[0]["created_at"],
        "block": null,
    }]);
    assert_eq!(json!(found), expected);
    assert_eq!(operated.lines(&["list", "--json", "--app", &app]).len(), 2);
    assert_eq!(operated.lines(&["list", "--json", "--limit", "1"]).len(), 1);
    assert_eq!(operated.done(&["list", "--blocked"]), "no users\n");
    assert!(operated.done(&["list"]).starts_with("user "));

    check_block(&operated, &mei, &token);
    let shown = operated.lines(&["show", "--json", "--user", &mei]);
    assert_eq!((shown.len(), &shown[1]["app"]), (2, &json!(app)));

    assert_eq!(
        operated.done(&["delete", "--user", &mei]),
        "deleted the user\n"
    );
    assert_ne!(operated.server.log_in(MEI_CODE).1, mei, "a new user");
    for action in ["show", "block", "unblock", "delete"] {
        let says = format!("user `{UNKNOWN_USER}` does not exist");
        operated.rejected(&[action, "--user", UNKNOWN_USER], &says);
    }
}

/// Blocks a user with a live session, and unblocks them.
fn check_block(operated: &Operated, mei: &str, token: &str) {
    let block = ["block", "--user", mei, "--reason", "spam"];
    assert_eq!(
        operated.done(&block),
        "blocked the user and ended 1 session\n"
    );
    let (status, _) = operated.server.ask("GET", "/session", token, "");
    assert_eq!(status, 401);
    let (status, reply) = operated.server.login(MEI_CODE);
    assert_eq!(
        (status, &reply["error"]),
        (403, &json!("user_blocked_by_admin"))
    );
    let shown = operated.lines(&["show", "--json", "--user", mei]);
    assert_eq!(
        (shown.len(), &shown[0]["block"]["reason"]),
        (1, &json!("spam"))
    );
    let shown = operated.done(&["show", "--user", mei]);
    assert!(shown.contains(": spam\n\nno active sessions\n"), "{shown}");
    assert_eq!(operated.lines(&["list", "--json", "--blocked"]).len(), 1);

    let unblock = operated.done(&["unblock", "--user", mei]);
    assert_eq!(unblock, "unblocked the user\n");
    let (_, again) = operated.server.log_in(MEI_CODE);
    assert_eq!(again, mei);
}

#[test]
fn an_operator_manages_users_while_the_server_runs() {
    check(&[]);
}

#[test]
fn invalid_arguments_are_rejected() {
    let operated = Operated::start(&[]);
    operated.rejected(&["show", "--user", "mei"], "32 lower-case");
    let two_lines = ["block", "--user", UNKNOWN_USER, "--reason", "a\nb"];
    operated.rejected(&two_lines, "1 to 200 characters in one line");
    operated.rejected(&["list", "--created-since", "yesterday"], "--created-since");
    operated.rejected(&["list", "--openid", "--blocked"], "cannot be used with");
    operated.rejected(&["list", "--openid"], "no openid on standard input");
    let elsewhere = Folder::new();
    let output = command(&elsewhere, &[]).args(["users", "list"]).output();
    assert_eq!(
        output.unwrap().status.code(),
        Some(2),
        "no database is created"
    );
}

/// The openid comes from standard input, and is printed only if the settings disclose it.
#[actix_rt::test]
async fn a_user_is_found_by_openid_and_by_unionid() {
    let mut options = wechat_simulator::Options::new(7);
    options.apps = vec![wechat_simulator::App::named(7, "main").with_open_platform("acme")];
    let wechat = wechat_simulator::Simulator::start(options).await.unwrap();
    let mut operated = Operated::start(&[
        ("WEAPP_WECHAT__BASE_URL", &wechat.base_url()),
        ("WEAPP_APPS__SHOP__APP_ID", wechat.app_id()),
        ("WEAPP_APPS__SHOP__APP_SECRET", wechat.app_secret()),
        ("WEAPP_APPS__SHOP__OPEN_PLATFORM", "acme"),
        ("WEAPP_USER__DATA_KEYS", "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7"),
    ]);
    let (_, mei) = operated.server.log_in(&wechat.issue_code("mei"));
    operated.server.log_in(&wechat.issue_code("bo"));
    let openid = wechat.openid("mei");
    let list = |operated: &Operated, arguments: &[&str]| {
        let arguments = [&["list", "--openid", "--json"], arguments].concat();
        let output = operated.run(&arguments, &format!("{openid}\n"));
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    for arguments in [&[][..], &["--app", "shop"], &["--app", wechat.app_id()]] {
        let found = list(&operated, arguments);
        assert_eq!(found.lines().count(), 1);
        assert!(found.contains(&mei) && !found.contains(&openid), "{found}");
    }
    assert_eq!(list(&operated, &["--app", "other"]), "");
    for (input, expected) in [(wechat.unionid("mei").unwrap(), 1), ("o6_b".to_owned(), 0)] {
        let found = operated.run(&["list", "--unionid", "--json"], &input);
        let found = String::from_utf8(found.stdout).unwrap();
        assert_eq!(found.matches(&mei).count(), expected, "{found}");
        assert_eq!(found.lines().count(), expected);
        assert!(!found.contains(&input), "{found}");
    }
    let hint = "users list --unionid < FILE";
    operated.rejected(&["list", "--unionid"], hint);
    let disclose = ("WEAPP_ADMIN__DISCLOSE_OPENID", "true".to_owned());
    operated.environment.push(disclose);
    let found: Value = serde_json::from_str(&list(&operated, &[])).unwrap();
    assert_eq!(found["openid"], openid);
}

#[test]
fn a_user_of_the_built_in_simulator_is_found_by_openid_and_by_unionid() {
    let operated = Operated::start(&[
        ("WEAPP_USER__DATA_KEYS", "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7"),
        ("WEAPP_APPS__MAIN__OPEN_PLATFORM", "acme"),
    ]);
    let (token, mei) = operated.server.log_in(MEI_CODE);
    operated.server.log_in(OTHER_CODE);
    let (_, export) = operated.server.ask("GET", "/user/export", &token, "");
    for name in ["openid", "unionid"] {
        let identifier = export["data"]["user"][name].as_str().unwrap();
        for app in [
            "main",
            export["data"]["identities"][0]["app"].as_str().unwrap(),
        ] {
            let option = format!("--{name}");
            let arguments = ["list", &option, "--json", "--app", app];
            let found = operated.run(&arguments, identifier).stdout;
            let found: Value = serde_json::from_slice(&found).unwrap();
            assert_eq!(found["id"], mei, "{name} {app}");
        }
    }
}

#[test]
fn a_user_is_found_by_a_kept_phone_number() {
    let operated = Operated::start(&[
        ("WEAPP_USER__DATA_KEYS", "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7"),
        ("WEAPP_USER__KEEP_PHONE_NUMBER", "true"),
    ]);
    operated.server.log_in(OTHER_CODE);
    let login = "/simulator/users/mei/login-code";
    let (_, code) = operated.server.ask("POST", login, "", "");
    let (token, mei) = operated.server.log_in(code["code"].as_str().unwrap());
    let ask = |path: &str, body: &str| operated.server.ask("POST", path, &token, body).1;
    let code = ask("/simulator/users/mei/phone-code", "")["code"].clone();
    let number = ask("/user/phone", &json!({ "code": code }).to_string());
    let number = number["data"]["phone_number"].as_str().unwrap().to_owned();
    let arguments = ["list", "--phone-number", "--json"];
    let found = operated.run(&arguments, &number).stdout;
    let found: Value = serde_json::from_slice(&found).unwrap();
    assert_eq!(found["id"], mei);
    assert_eq!(operated.run(&arguments, "13900000000").stdout, b"");
    operated.rejected(&arguments, "users list --phone-number < FILE");
    let with_app = [&arguments[..], &["--app", "main"]].concat();
    operated.rejected(&with_app, "cannot be used with");
}

/// With the built-in simulator, whose apps belong to the Open Platform account of the settings.
#[test]
#[expect(clippy::too_many_lines, reason = "one story of two users")]
fn a_conflict_is_listed_merged_and_opened_again() {
    let operated = Operated::start(&[
        ("WEAPP_USER__DATA_KEYS", "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7"),
        ("WEAPP_APPS__MAIN__OPEN_PLATFORM", "acme"),
        ("WEAPP_APPS__DESK__OPEN_PLATFORM", "acme"),
    ]);
    let (status, apps) = operated.server.ask("GET", "/simulator/apps", "", "");
    assert_eq!(status, 200, "{apps}");
    let app_ids = [0, 1].map(|index| apps["apps"][index]["app_id"].as_str().unwrap().to_owned());
    let bind = |server: &Binary, account: &Value| {
        let app = &apps["apps"][0];
        let app = json!({ "app_id": app["app_id"], "app_secret": app["app_secret"], "open_platform": account });
        let (status, reply) = server.ask("POST", "/simulator/apps", "", &app.to_string());
        assert_eq!(status, 200, "{reply}");
    };
    let log_in = |server: &Binary, user: &str, app_id: &str| {
        let path = format!("/simulator/users/{user}/login-code?app_id={app_id}");
        let (_, code) = server.ask("POST", &path, "", "");
        let body = json!({ "code": code["code"], "app": app_id }).to_string();
        let (status, reply) = server.ask("POST", "/login", "", &body);
        assert_eq!(status, 200, "{reply}");
        reply["data"]["user"]["id"].as_str().unwrap().to_owned()
    };
    let [main, desk] = [0, 1].map(|index| log_in(&operated.server, "bo", &app_ids[index]));
    assert_eq!(main, desk, "one user in both apps");

    bind(&operated.server, &Value::Null);
    let [main, desk] = [0, 1].map(|index| log_in(&operated.server, "mei", &app_ids[index]));
    assert_ne!(main, desk);
    assert_eq!(operated.done(&["conflicts"]), "no conflicts\n");
    bind(&operated.server, &json!("acme"));
    log_in(&operated.server, "mei", &app_ids[0]);
    let found = operated.lines(&["conflicts", "--open", "--json"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["kept"], desk);
    assert_eq!(found[0]["other"], main);
    assert!(
        operated
            .done(&["show", "--user", &main])
            .contains("open conflict")
    );

    let merged = operated.done(&["merge", &desk, &main]);
    assert_eq!(
        merged,
        format!("merged user {main} into user {desk} and ended 2 sessions\n")
    );
    let shown = operated.done(&["show", "--user", &main]);
    assert!(
        shown.starts_with("user ") && shown.contains(&desk),
        "{shown}"
    );
    assert_eq!(shown.matches("\nin wx").count(), 2, "{shown}");
    let table = operated.done(&["conflicts", "--user", &desk]);
    assert!(table.ends_with("merged\n"), "{table}");
    assert!(
        operated
            .done(&["apart", &main, &desk])
            .contains("stay apart")
    );
    operated.done(&["reopen", &main, &desk]);
    assert_eq!(operated.lines(&["conflicts", "--open", "--json"]).len(), 1);

    operated.rejected(&["merge", &main, UNKNOWN_USER], "have no conflict");
    operated.done(&["block", "--user", &main]);
    operated.rejected(&["merge", &desk, &main], "is blocked");
}
