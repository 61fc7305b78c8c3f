//! The process: startup, rejected settings, shutdown, and the data that outlives it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::Folder;
use crate::server::{
    Binary, Connection, PRODUCTION, check_rejected, command, free_port, listen, run,
};

const MOCK: &str = "the code is a mock one";
/// No process listens there.
const NO_WECHAT: (&str, &str) = ("WEAPP_WECHAT__BASE_URL", "http://127.0.0.1:9");

#[test]
fn a_first_start_prints_one_line_and_accepts_a_login() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let line = server.output();
    assert_eq!(line.lines().count(), 1, "{line}");
    for part in [
        concat!(
            "weapp-login ",
            env!("CARGO_PKG_VERSION"),
            ", development profile"
        ),
        &format!("listening: http://127.0.0.1:{}", server.port),
        "configuration: built-in defaults, WEAPP_SERVER__PORT",
        "database: data/weapp.db",
        "SIMULATED",
        r#"-d '{"code":"the code is a mock one"}'"#,
    ] {
        assert!(line.contains(part), "no `{part}` in {line}");
    }
    let (status, reply) = server.login("051bIzT629FmMN0zraV62WLnT62bIzTA");
    assert_eq!((status, &reply["message"]), (200, &"success!".into()));
    assert_eq!(
        server.wait_for("{ code: "),
        "{ code: '051bIzT629FmMN0zraV62WLnT62bIzTA' }"
    );
    let line = server.wait_for("POST");
    assert!(
        line.starts_with("\u{1b}[0mPOST /login \u{1b}[32m200\u{1b}[0m "),
        "{line:?}"
    );
    server.stop();
    assert!(folder.path().join("data/weapp.db").exists());
}

#[test]
fn a_session_outlives_the_process() {
    let folder = Folder::new();
    let mut first = Binary::start(&folder, &[]);
    let (token, user) = first.log_in(MOCK);
    first.signal("INT");
    assert_eq!(first.wait().code(), Some(0), "Ctrl-C");
    let second = Binary::start(&folder, &[]);
    let (status, shown) = second.ask("GET", "/session", &token, "");
    assert_eq!(
        (status, &shown["data"]["user"]["id"]),
        (200, &user.as_str().into())
    );
}

#[test]
fn production_prints_no_body_and_no_colours_by_default() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[&PRODUCTION[..], &[NO_WECHAT]].concat());
    let (status, _) = server.login("051bIzT629FmMN0zraV62WLnT62bIzTA");
    assert_eq!(status, 503, "no server answers at the base URL");
    let line = server.wait_for("POST /login HTTP");
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    assert!(!server.output().contains("051bIz"), "{}", server.output());
}

#[test]
fn with_a_real_app_id_most_of_the_code_is_masked() {
    let folder = Folder::new();
    let [_, id, secret] = PRODUCTION;
    let mut server = Binary::start(&folder, &[id, secret, NO_WECHAT]);
    let body = r#"{"code":"051bIzT629FmMN0zraV62WLnT62bIzTA","user":"mei"}"#;
    let (status, _) = server.ask("POST", "/login", "", body);
    assert_eq!(status, 503, "no server answers at the base URL");
    let line = server.wait_for("{ code: ");
    assert_eq!(line, "{ code: '051bIz…', user: … }");
    server.wait_for("POST /login");
    assert!(!server.output().contains("051bIzT"), "{}", server.output());
}

#[test]
fn a_port_in_use_is_rejected_with_a_hint() {
    let folder = Folder::new();
    let (_taken, port) = listen();
    let output = run(&folder, &[("PORT", &port.to_string())], &[]);
    let address = format!("cannot listen on `127.0.0.1:{port}`");
    check_rejected(
        &output,
        &[
            &address,
            "another process is already listening there",
            "hint: ",
        ],
    );
    assert!(
        !folder.path().join("data").exists(),
        "no database is created before the port is bound"
    );
}

#[test]
fn wrong_settings_are_rejected_with_a_hint() {
    let folder = Folder::new();
    // Any free port, so that the default one may be in use.
    let check = |setting, parts: &[&str]| {
        let environment = [("PORT", "0"), setting];
        check_rejected(&run(&folder, &environment, &[]), parts);
        check_rejected(&run(&folder, &environment, &["config", "check"]), parts);
    };
    check(
        ("WEAPP_SERVR__PORT", "1"),
        &["WEAPP_SERVR__PORT", "did you mean"],
    );
    check(
        ("WEAPP_SERVER__PORT", "http"),
        &["WEAPP_SERVER__PORT", "server.port", "http"],
    );
    check(
        ("WEAPP_LOG__FORMAT", "fancy"),
        &["log.format", "fancy", "combined"],
    );
    check(
        ("WEAPP_LOG__FORMAT", ":nope"),
        &["log.format", "nope", ":method"],
    );
    check(
        ("WEAPP_PROFILE", "production"),
        &["WEAPP_APPS__MAIN__APP_ID"],
    );
    for path in ["/login", "/LOGIN/", "/sessions/x", "/docs", "/openapi.json"] {
        check(("WEAPP_METRICS__PATH", path), &["metrics.path", path]);
    }
    for host in ["127.0.0.1", "0.0.0.0", "::"] {
        let variables = [
            ("PORT", "3055"),
            ("WEAPP_METRICS__PORT", "3055"),
            ("WEAPP_METRICS__HOST", host),
        ];
        for arguments in [&[][..], &["config", "check"]] {
            let output = run(&folder, &variables, arguments);
            check_rejected(&output, &["metrics.port", "3055", "server.port", "hint: "]);
        }
    }
    // `config check` does not open the database.
    let nowhere = ("WEAPP_STORE__URL", "sqlite:///proc/none/weapp.db");
    let output = run(&folder, &[("PORT", "0"), nowhere], &[]);
    check_rejected(&output, &["/proc/none/weapp.db", "cannot be created"]);
}

/// Settings that are rejected, each at another place.
const WRONG: [(&str, &str); 8] = [
    ("WEAPP_LOG__FORMAT", "Dev"),
    ("WEAPP_LOG__FORMAT", ":req"),
    ("WEAPP_LOG__LEVEL", "loud"),
    ("WEAPP_METRICS__PATH", "/login"),
    ("WEAPP_PROFILE", "prod"),
    ("WEAPP_SERVER__HOST", "192.0.2.1"),
    ("WEAPP_STORE__URL", "sqlite:///proc/none/weapp.db"),
    ("WEAPP_SERVR__PORT", "1"),
];

#[test]
fn no_message_is_printed_twice() {
    let folder = Folder::new();
    for setting in WRONG {
        let output = run(&folder, &[("PORT", "0"), setting], &[]);
        check_rejected(&output, &[]);
        let message = String::from_utf8(output.stderr).unwrap();
        let phrases: Vec<_> = message
            .split([':', '\n', '(', ')'])
            .map(str::trim)
            .collect();
        let long = |phrase: &&&str| phrase.len() > 20;
        let is_repeated =
            |phrase: &&str| phrases.iter().filter(|other| *other == phrase).count() > 1;
        let repeated = phrases
            .iter()
            .filter(long)
            .find(|phrase| is_repeated(phrase));
        assert_eq!(repeated, None, "{message}");
    }
}

#[test]
fn a_foreign_address_is_rejected_with_its_own_hint() {
    let folder = Folder::new();
    // An address for documentation, which no machine has (RFC 5737).
    let environment = [("PORT", "0"), ("WEAPP_SERVER__HOST", "192.0.2.1")];
    let output = run(&folder, &environment, &[]);
    check_rejected(
        &output,
        &["this machine has no such address", "WEAPP_SERVER__HOST="],
    );
    assert!(!String::from_utf8_lossy(&output.stderr).contains("stop that process"));
}

/// Any user but root, who may open all files.
const ANOTHER_USER: u32 = 65534;

#[test]
fn a_database_of_another_user_is_rejected_with_a_hint() {
    let folder = Folder::new();
    let database = folder.path().join("weapp.db");
    fs::write(&database, "").unwrap();
    fs::set_permissions(&database, Permissions::from_mode(0o000)).unwrap();
    let owner = fs::metadata(&database).unwrap().uid();
    let url = folder.store_url();
    let binary = folder.path().join("server");
    fs::copy(env!("CARGO_BIN_EXE_weapp-login"), &binary).unwrap();
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs([("PORT", "0"), ("WEAPP_STORE__URL", &url)]);
    if owner == 0 {
        command.uid(ANOTHER_USER).gid(ANOTHER_USER);
    }
    let output = command.current_dir("/").output().unwrap();
    let owner = format!("the user with the id {owner}");
    check_rejected(
        &output,
        &["weapp.db", "no permission", &owner, "hint: ", "chown"],
    );
}

#[test]
fn a_full_disk_behind_the_standard_output_is_reported_and_does_not_stop_the_server() {
    let folder = Folder::new();
    let full = || {
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let output = command(&folder, &[])
        .args(["config", "check"])
        .stdout(full())
        .output();
    let output = output.unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in [
        "cannot write to standard output",
        "No space left",
        "hint: free space",
    ] {
        assert!(message.contains(part), "no `{part}` in:\n{message}");
    }
    let port = free_port();
    let mut server = command(&folder, &[("PORT", &port.to_string())])
        .stdout(full())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let answered = Connection::when_open(port).ask("GET", "/livez", "", "");
    server.kill().unwrap();
    let output = server.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(answered.map(|(status, _)| status), Some(200), "{message}");
    assert!(message.contains("hint: free space"), "{message}");
}

#[test]
fn config_check_prints_values_and_origins_but_no_secret() {
    let folder = Folder::new();
    let output = run(&folder, &PRODUCTION, &["config", "check"]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for part in [
        "wx0123456789abcdef",
        "WEAPP_APPS__MAIN__APP_SECRET",
        "***",
        "built in",
    ] {
        assert!(report.contains(part), "no `{part}` in:\n{report}");
    }
    assert!(
        !report.contains("0123456789abcdef0123456789abcdef"),
        "{report}"
    );
    check_rejected(
        &run(&folder, &[("WEAPP_X", "1")], &["config", "check"]),
        &["WEAPP_X"],
    );
}

#[test]
fn healthcheck_succeeds_only_while_the_server_answers() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let port = server.port.to_string();
    let check = || {
        run(
            &folder,
            &[("PORT", &port), ("WEAPP_SERVER__HOST", "0.0.0.0")],
            &["healthcheck"],
        )
    };
    assert_eq!(check().status.code(), Some(0));
    server.stop();
    let gone = check();
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("/livez does not answer"));
}

#[test]
fn a_request_in_flight_is_finished_before_the_process_ends() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let mut slow = server.connect();
    slow.send(b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 33\r\n\r\n");
    slow.send(br#"{"code":"#);
    thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    server.signal("TERM");
    server.wait_for("stopping");
    slow.send(br#""the code is a mock one"}"#);
    let (status, reply) = slow.reply().expect("a response to the request in flight");
    assert_eq!((status, &reply["message"]), (200, &"success!".into()));
    assert_eq!(server.wait().code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_stalled_request_does_not_delay_the_shutdown_for_long() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[("WEAPP_SERVER__SHUTDOWN_SECONDS", "1")]);
    let mut stalled = server.connect();
    stalled.send(b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 33\r\n\r\n{");
    let idle = server.connect();
    thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    server.stop();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    drop(idle);
}

#[test]
fn a_second_signal_does_not_wait_for_requests_in_flight() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[("WEAPP_SERVER__SHUTDOWN_SECONDS", "60")]);
    let mut stalled = server.connect();
    stalled.send(b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 33\r\n\r\n{");
    thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    server.signal("TERM");
    server.wait_for("stopping");
    thread::sleep(Duration::from_millis(200));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

/// Logs in on several connections until the server is killed, each time as another user. Returns the tokens of the
/// responses.
fn log_in_until_killed(port: u16) -> Vec<String> {
    let clients = [(); 4].map(|()| {
        thread::spawn(move || {
            let (mut connection, mut tokens) = (Connection::to(port), Vec::new());
            loop {
                let mut random = [0; 16];
                getrandom::fill(&mut random).unwrap();
                let body = format!(r#"{{"code":"{:032x}"}}"#, u128::from_ne_bytes(random));
                let Some((200, reply)) = connection.ask("POST", "/login", "", &body) else {
                    return tokens;
                };
                tokens.push(reply["data"]["token"].as_str().unwrap().to_owned());
            }
        })
    });
    clients
        .into_iter()
        .flat_map(|client| client.join().unwrap())
        .collect()
}

#[test]
fn a_killed_server_loses_no_confirmed_login() {
    let folder = Folder::new();
    let settings = [("WEAPP_LOG__SKIP", "/login")];
    let mut answered = Vec::new();
    for round in 0..20_u64 {
        let mut server = Binary::start(&folder, &settings);
        let port = server.port;
        let clients = thread::spawn(move || log_in_until_killed(port));
        thread::sleep(Duration::from_millis(20 + 13 * round % 60));
        server.signal("KILL");
        server.wait();
        answered.extend(clients.join().unwrap());
    }
    assert!(
        answered.len() > 20,
        "only {} logins were answered",
        answered.len()
    );
    let server = Binary::start(&folder, &settings);
    let mut connection = server.connect();
    let is_lost = |token: &&String| connection.ask("GET", "/session", token, "").unwrap().0 != 200;
    let lost = answered.iter().filter(is_lost).count();
    assert_eq!(lost, 0, "of {} logins", answered.len());
}
