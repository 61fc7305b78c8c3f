//! Calls of the binary to WeChat: through a proxy, to a URL with a path, and to a simulator on another address.

use std::io::{BufRead as _, BufReader, Write as _, copy};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::{fs, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::Folder;
use crate::server::{Binary, command, listen, run};

/// For `127.0.0.1`, valid until 2126. Made for this test, and of no use elsewhere.
const CERTIFICATE: &str = "MIIBjjCCATOgAwIBAgIUNVWjTvHGSjnDT1PWzNbKa3i02CMwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMzE0NDMyNloYDzIxMjYxMDMwMTQ0MzI2WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASGDeMHZYSyvGmJ+yETqldha2ma0fGiudgdKEPaXYu+KX0TRnzL8zbLtcGF65WyOPaG0aAx4dQJHIDPOHcVZ6zYo2EwXzAdBgNVHQ4EFgQUNw9lz9oWfGeovm4Ze6K+OK1KFEUwHwYDVR0jBBgwFoAUNw9lz9oWfGeovm4Ze6K+OK1KFEUwDwYDVR0RBAgwBocEfwAAATAMBgNVHRMBAf8EAjAAMAoGCCqGSM49BAMCA0kAMEYCIQDajFPaq86g5ltVjbLSXDZt2IYXETAvRo9+BX5DMKMlMAIhAM10NxkjCc73ecCWK7Rf7PsDkeCw3estvAIwyIlSeLdq";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNz6pDOyaf97+sD3fELCrhaxDPme2xOF8EB8INjwMxUKhRANCAASGDeMHZYSyvGmJ+yETqldha2ma0fGiudgdKEPaXYu+KX0TRnzL8zbLtcGF65WyOPaG0aAx4dQJHIDPOHcVZ6zY";
const APP: [(&str, &str); 2] = [
    ("WEAPP_APPS__MAIN__APP_ID", "wx4f4bc4dec97d474b"),
    (
        "WEAPP_APPS__MAIN__APP_SECRET",
        "6a5fc2b0e1d34978a6b5c4d3e2f1a0b9",
    ),
];

/// The first lines that a server has received, one per request.
type Seen = Arc<Mutex<Vec<String>>>;

/// Reads up to the empty line; empty if the client is gone.
fn read_head(stream: &mut impl std::io::BufRead) -> Vec<String> {
    let lines = stream.lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect()
}

/// Starts a WeChat with TLS, whose every login succeeds. Returns its port.
fn wechat() -> (u16, Seen) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = STANDARD.decode(CERTIFICATE).unwrap().into();
    let key = PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let config = Arc::new(config);
    serve(move |stream, seen| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        let head = read_head(&mut stream);
        seen.lock().unwrap().extend(head.first().cloned());
        let body =
            r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oGZUI0egBJY1zhBYw2KhdUfwVJJE"}"#;
        let length = body.len();
        let reply = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        // A client without trust in the certificate is gone.
        stream
            .get_mut()
            .write_all(reply.as_bytes())
            .unwrap_or_default();
    })
}

/// Starts an HTTP proxy that opens a connection to any address, for one user. Returns its port.
fn proxy() -> (u16, Seen) {
    serve(|stream, seen| {
        let mut client = BufReader::new(stream);
        let head = read_head(&mut client);
        // The base64 form of `me:hunter2`.
        let allowed = head.iter().any(|line| {
            line.to_ascii_lowercase()
                .starts_with("proxy-authorization: basic ")
                && line.ends_with("bWU6aHVudGVyMg==")
        });
        let target = head.first().and_then(|line| line.split(' ').nth(1));
        let target = target.unwrap_or_default().to_owned();
        seen.lock().unwrap().extend(head.first().cloned());
        let mut client = client.into_inner();
        if !allowed {
            let reply = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
            return client.write_all(reply).unwrap_or_default();
        }
        let mut server = TcpStream::connect(target).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from_client, mut to_server) =
            (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || copy(&mut from_client, &mut to_server));
        copy(&mut server, &mut client).map(drop).unwrap_or_default();
    })
}

fn serve(answer: impl Fn(TcpStream, Seen) + Clone + Send + 'static) -> (u16, Seen) {
    let (listener, port) = listen();
    let seen = Seen::default();
    let shared = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (answer, seen) = (answer.clone(), Arc::clone(&shared));
            thread::spawn(move || answer(stream, seen));
        }
    });
    (port, seen)
}

/// A folder with the certificate of `wechat` as the only trusted one. Returns the path of that file as well.
fn folder_with_root() -> (Folder, String) {
    let folder = Folder::new();
    let file = folder.path().join("roots.pem");
    let begin_and_end = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"];
    fs::write(&file, begin_and_end.join(&format!("\n{CERTIFICATE}\n"))).unwrap();
    (folder, file.to_str().unwrap().to_owned())
}

#[test]
fn a_login_goes_through_the_proxy() {
    let ((wechat, requests), (proxy, connects)) = (wechat(), proxy());
    let (folder, roots) = folder_with_root();
    let base_url = format!("https://127.0.0.1:{wechat}/wechat");
    let start = |user: &str| {
        let proxy = format!("http://{user}@127.0.0.1:{proxy}");
        let environment = [
            ("WEAPP_WECHAT__BASE_URL", &*base_url),
            ("WEAPP_WECHAT__PROXY", &proxy),
            ("WEAPP_LOG__LEVEL", "trace"),
            ("RUST_LOG", "trace"),
            ("SSL_CERT_FILE", &roots),
            // Not used: no process listens there.
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ];
        Binary::start(&folder, &[&environment[..], &APP].concat())
    };
    let mut server = start("me:hunter2");
    let (status, reply) = server.login("051bIzT629FmMN0zraV62WLnT62bIzTA");
    assert_eq!(status, 200, "{reply}\n{}", server.output());
    assert_eq!(
        *connects.lock().unwrap(),
        [format!("CONNECT 127.0.0.1:{wechat} HTTP/1.1")]
    );
    let request = requests.lock().unwrap().remove(0);
    assert!(
        request.starts_with("GET /wechat/sns/jscode2session?"),
        "{request}"
    );
    let output = server.stop();
    assert!(!output.contains("HTTPS_PROXY"), "{output}");
    for secret in ["hunter2", "bWU6aHVudGVyMg"] {
        assert!(!output.contains(secret), "{output}");
    }

    let mut server = start("me:letmein");
    let (status, reply) = server.login("051bIzT629FmMN0zraV62WLnT62bIzTB");
    assert_eq!(
        (status, &reply["error"]),
        (503, &"platform_misconfigured".into()),
        "{reply}"
    );
    let line = server.wait_for("the proxy rejected the user and password in `proxy`");
    assert!(!server.output().contains("letmein"), "{line}");
    assert!(requests.lock().unwrap().is_empty());
}

#[test]
fn a_proxy_of_the_environment_is_ignored_and_logged() {
    let (wechat, requests) = wechat();
    let (folder, roots) = folder_with_root();
    let base_url = format!("https://127.0.0.1:{wechat}");
    let environment = [
        ("WEAPP_WECHAT__BASE_URL", &*base_url),
        ("SSL_CERT_FILE", &roots),
        ("https_proxy", "http://me:hunter2@127.0.0.1:9"),
    ];
    let mut server = Binary::start(&folder, &[&environment[..], &APP].concat());
    server.wait_for("https_proxy is ignored: ");
    assert_eq!(server.login("051bIzT629FmMN0zraV62WLnT62bIzTA").0, 200);
    assert_eq!(requests.lock().unwrap().len(), 1);
    assert!(!server.output().contains("hunter2"));
}

#[test]
fn config_check_masks_the_proxy() {
    let folder = Folder::new();
    let proxy = "http://me:hunter2@proxy.example.com:3128";
    let output = run(
        &folder,
        &[("WEAPP_WECHAT__PROXY", proxy)],
        &["config", "check"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nproxy = \"*** (40 characters)\""), "{text}");
}

/// The printed line as a shell would read it.
fn environment(line: &str) -> Vec<(&str, &str)> {
    let (_, rest) = line.split_once("; a backend: ").unwrap();
    let (variables, _) = rest.split_once(" weapp-login").unwrap();
    let pairs = variables
        .split(' ')
        .map(|variable| variable.split_once('='));
    pairs.collect::<Option<_>>().unwrap()
}

#[test]
fn a_server_accepts_the_settings_that_simulate_prints() {
    for (host, exposed) in [("0.0.0.0", true), ("::", true), ("127.0.0.1", false)] {
        let folder = Folder::new();
        let mut simulate = command(&folder, &[]);
        simulate.args(["simulate", "--port", "0", "--expose", "--host", host]);
        let simulator = Binary::of(&mut simulate);
        let line = simulator.output();
        let environment = environment(&line);
        assert!(
            !line.contains("0.0.0.0") && !line.contains("[::]"),
            "{line}"
        );
        let output = run(&folder, &environment, &["config", "check"]);
        assert!(output.status.success(), "{line}\n{output:?}");
        // A machine without a network has no other address.
        let on_loopback = environment[0].1.starts_with("http://127.0.0.1:");
        let allows = environment.contains(&("WEAPP_WECHAT__ALLOW_PLAIN_HTTP", "true"));
        assert_eq!(allows, !on_loopback, "{line}");
        assert!(exposed || on_loopback, "{line}");
    }
}
