//! `weapp-login simulate` as a process, and a backend that uses it as WeChat.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;
use wechat_simulator::API_HOSTS;

use crate::harness::Folder;
use crate::server::{Binary, ask_over, check_rejected, command, listen, run};

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

    simulator.stop();
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
    check_rejected(&output, &["does not listen on `0.0.0.0`", "--expose"]);
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
        let stream = TcpStream::connect(("127.0.0.1", simulator.port)).unwrap();
        let head = "POST /simulator/users/mei/login-code HTTP/1.1\r\nConnection: close\r\n";
        let reply = ask_over(stream, format!("{head}{headers}\r\n").as_bytes());
        assert!(reply.starts_with(expected), "{headers}: {reply}");
    }
}

#[test]
fn invalid_options_get_an_error_message() {
    let folder = Folder::new();
    let (_taken, port) = listen();
    let port = port.to_string();
    let file = folder.path().join("seed.toml");
    fs::write(&file, "[users.mei]\nphone = '1'").unwrap();
    let file = file.to_str().unwrap();
    let rows: [(&[&str], &str); 7] = [
        (
            &["--seed-file", "no-such-file"],
            "--seed-file: `no-such-file`",
        ),
        (&["--seed-file", file], "unknown field `phone`"),
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
        check_rejected(&run(&folder, &[], &arguments), &[message]);
    }
}

#[test]
fn people_apps_and_ids_survive_a_restart() {
    let folder = Folder::new();
    let file = folder.path().join("state.json");
    let simulator = simulate(&folder, &["--seed", "5", "--open-platform", "ours"]);
    let path = "/simulator/users/mei";
    let mei = control(&simulator, "PUT", path, r#"{"phone_number":"13580006666"}"#);
    assert!(mei["unionid"].is_string(), "{mei}");
    let state = control(&simulator, "GET", "/simulator/state", "");
    fs::write(&file, state.to_string()).unwrap();
    drop(simulator);
    let options = ["--seed-file", file.to_str().unwrap(), "--issued-codes-only"];
    let simulator = simulate(&folder, &options);
    assert_eq!(control(&simulator, "GET", path, ""), mei);
    let codes = control(&simulator, "GET", "/simulator/codes", "");
    assert_eq!(codes["issued_only"], true);
}

/// The options that the compose file of `examples/wechat-in-a-box` passes are valid, and its aliases are all names of WeChat's API.
#[test]
fn the_compose_file_starts_a_simulator_under_all_names_of_wechat() {
    let file = "examples/wechat-in-a-box/compose.yaml";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let compose = fs::read_to_string(file).unwrap();
    let after = |text: &str| {
        compose
            .split_once(text)
            .unwrap()
            .1
            .split_once(']')
            .unwrap()
            .0
    };
    let command = after("command: [");
    let words: Vec<&str> = command.split('"').skip(1).step_by(2).collect();
    let aliases: Vec<&str> = after("aliases: [").split(", ").collect();
    assert_eq!(aliases, API_HOSTS);

    let folder = Folder::new();
    let authority = folder.path().join("ca");
    let words = words.into_iter().skip(1).map(|word| match word {
        "0.0.0.0" => "127.0.0.1",
        "/data/ca" => authority.to_str().unwrap(),
        word => word,
    });
    let words: Vec<&str> = words.chain(["--tls-port", "0"]).collect();
    let simulator = simulate(&folder, &words);
    assert!(authority.join("ca.pem").exists());
    let health = health_check(&folder, &simulator).output().unwrap();
    assert_eq!(health.status.code(), Some(0), "{health:?}");
}

/// Returns the image's health check, with the port of the simulator.
fn health_check(folder: &Folder, simulator: &Binary) -> Command {
    let port = simulator.port.to_string();
    let mut health = command(folder, &[("WEAPP_SERVER__PORT", &port)]);
    health.arg("healthcheck");
    health
}

/// Relays connections to `api.weixin.qq.com:443` to another port, as an entry in the hosts file does.
fn relay_to(port: u16) -> u16 {
    let (listener, own) = listen();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"CONNECT api.weixin.qq.com:443 "));
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let mut wechat = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut request, mut reply) =
                (client.try_clone().unwrap(), wechat.try_clone().unwrap());
            thread::spawn(move || io::copy(&mut request, &mut wechat));
            thread::spawn(move || io::copy(&mut reply, &mut client));
        }
    });
    own
}

/// The whole protection of production stays on: https, the host name and the certificate of WeChat.
#[cfg(target_os = "linux")]
#[test]
fn a_server_in_production_logs_in_over_tls_without_another_base_url() {
    let folder = Folder::new();
    let authority = folder.path().join("ca");
    let options = [
        "--tls",
        authority.to_str().unwrap(),
        "--tls-host",
        "127.0.0.1",
        "--tls-port",
        "0",
    ];
    let simulator = simulate(&folder, &options);
    let line = simulator.output();
    let (_, tls_port) = value(&line, "TLS").rsplit_once(':').unwrap();
    let proxy = format!("http://127.0.0.1:{}", relay_to(tls_port.parse().unwrap()));
    let certificate = value(&line, "Go").split_once(' ').unwrap().0;
    let (variable, certificate) = certificate.split_once('=').unwrap();
    let environment = [
        ("WEAPP_PROFILE", "production"),
        ("WEAPP_WECHAT__PROXY", &*proxy),
        ("WEAPP_APPS__MAIN__APP_ID", value(&line, "AppID")),
        ("WEAPP_APPS__MAIN__APP_SECRET", value(&line, "AppSecret")),
    ];
    let code = || {
        let code = control(&simulator, "POST", "/simulator/users/mei/login-code", "");
        code["code"].as_str().unwrap().to_owned()
    };
    let without = Binary::start(&folder, &environment);
    let (status, reply) = without.login(&code());
    assert_ne!(status, 200, "the authority is not trusted: {reply}");
    drop(without);

    let environment = [&environment[..], &[(variable, certificate)]].concat();
    let server = Binary::start(&folder, &environment);
    let (status, reply) = server.login(&code());
    assert_eq!(status, 200, "{reply}");
    let requests = control(&simulator, "GET", "/simulator/requests", "");
    assert_eq!(requests["requests"].as_array().unwrap().len(), 1);
}
