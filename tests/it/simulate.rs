//! `weapp-login simulate` as a process, and a backend that uses it as WeChat.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::harness::Folder;
use crate::server::{Binary, command, run};

const NOW: u64 = 0x668f_2aa4;

fn simulate(folder: &Folder, arguments: &[&str]) -> Binary {
    Binary::of(
        command(folder, &[])
            .args(["simulate", "--port", "0"])
            .args(arguments),
    )
}

/// Returns the value with this name in the line that is printed at the start.
#[track_caller]
fn value<'a>(line: &'a str, name: &str) -> &'a str {
    let start = format!("; {name}: ");
    let (_, rest) = line.split_once(&start).unwrap();
    rest.split("; ").next().unwrap()
}

#[track_caller]
fn control(simulator: &Binary, method: &str, path: &str, body: &str) -> Value {
    let (status, reply) = simulator.ask(method, path, "", body);
    assert_eq!(status, 200, "{reply}");
    reply
}

#[test]
fn a_backend_can_use_it_as_wechat() {
    let folder = Folder::new();
    let now = NOW.to_string();
    let clock = ["--virtual-clock", "--clock-at", &now];
    let mut simulator = simulate(&folder, &clock);
    let line = simulator.output();
    assert_eq!(line.lines().count(), 1, "{line}");
    let base_url = format!("http://127.0.0.1:{}", simulator.port);
    assert_eq!(value(&line, "listening"), base_url);
    let curl = format!("curl -X POST {base_url}/simulator/users/mei/login-code\n");
    assert_eq!(value(&line, "a code"), curl);
    let backend = value(&line, "a backend")
        .strip_suffix(" weapp-login")
        .unwrap();
    let environment: Vec<(&str, &str)> = backend
        .split(' ')
        .map(|variable| variable.split_once('=').unwrap())
        .collect();

    let server = Binary::start(&folder, &environment);
    let code = control(&simulator, "POST", "/simulator/users/mei/login-code", "");
    let code = code["code"].as_str().unwrap();
    let (status, reply) = server.login(code);
    assert_eq!(status, 200, "{reply}");
    let (status, reply) = server.login(code);
    assert_eq!((status, &reply["code"]), (401, &40163.into()), "{reply}");
    let requests = control(&simulator, "GET", "/simulator/requests", "");
    assert_eq!(requests["requests"].as_array().unwrap().len(), 2);
    assert_eq!(requests["requests"][0]["query"]["secret"], "***");

    let moved = control(
        &simulator,
        "POST",
        "/simulator/clock",
        r#"{"advance_seconds":300}"#,
    );
    assert_eq!(moved["now"], NOW + 300);
    let (status, reply) = server.login(code);
    assert_eq!((status, &reply["code"]), (401, &40029.into()), "{reply}");

    simulator.signal("TERM");
    assert_eq!(simulator.wait().code(), Some(0));
}

#[test]
fn the_app_can_be_given_and_its_secret_is_not_printed() {
    let folder = Folder::new();
    let (id, secret) = ("wx4f4bc4dec97d474b", "0123456789abcdef0123456789abcdef");
    let mut simulator = simulate(&folder, &["--app-id", id, "--app-secret", secret]);
    let line = simulator.output();
    assert_eq!(value(&line, "AppID"), id);
    assert!(!line.contains(secret), "{line}");
    let query = format!("appid={id}&secret={secret}&grant_type=client_credential");
    let token = control(&simulator, "GET", &format!("/cgi-bin/token?{query}"), "");
    assert!(token["access_token"].is_string(), "{token}");
    simulator.signal("INT");
    assert_eq!(simulator.wait().code(), Some(0), "Ctrl-C");
    assert_eq!(simulator.output(), line, "nothing more is printed");
}

#[test]
fn it_listens_on_a_remote_address_only_if_allowed() {
    let folder = Folder::new();
    let remote = ["simulate", "--port", "0", "--host", "0.0.0.0"];
    let output = run(&folder, &[], &remote);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("does not listen on `0.0.0.0`"), "{stderr}");
    assert!(stderr.contains("--expose"), "{stderr}");
    let simulator = simulate(&folder, &["--host", "0.0.0.0", "--expose"]);
    control(&simulator, "GET", "/simulator", "");
}

#[test]
fn a_foreign_page_gives_no_commands_unless_its_name_is_allowed() {
    let folder = Folder::new();
    let simulator = simulate(&folder, &["--allow-host", "demo.example.com"]);
    for (headers, expected) in [
        (
            "Host: evil.example\r\nOrigin: https://evil.example\r\n",
            "HTTP/1.1 403 ",
        ),
        ("Host: demo.example.com\r\n", "HTTP/1.1 200 "),
        ("Host: localhost\r\n", "HTTP/1.1 200 "),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", simulator.port)).unwrap();
        let head = "POST /simulator/users/mei/login-code HTTP/1.1\r\nConnection: close\r\n";
        write!(stream, "{head}{headers}\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with(expected), "{headers}: {reply}");
    }
}

#[test]
fn invalid_options_get_an_error_message() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let rows: [(&[&str], &str); 5] = [
        (
            &["--port", &port],
            "another process is already listening there",
        ),
        (&["--app-secret", "s"], "--app-id"),
        (&["--app-id", ""], "it is empty"),
        (&["--clock-at", "1"], "--virtual-clock"),
        (&["--host", "example.org"], "invalid IP address"),
    ];
    for (arguments, message) in rows {
        let arguments: Vec<&str> = ["simulate"].iter().chain(arguments).copied().collect();
        let output = run(&folder, &[], &arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(message), "no `{message}` in:\n{stderr}");
    }
}
