//! The console at `/`: its page, the guard of its data, and the events.

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use serde_json::{Value, json};
use weapp_login::routes;

use crate::harness::{Folder, TestApp, with_headers};
use crate::server::{Binary, Connection};

const LOCAL: &str = "127.0.0.1:50000";
const REMOTE: &str = "172.17.0.1:50000";

/// Sends a request from a peer and returns the status, the headers and the body.
async fn request(
    app: &TestApp,
    method: Method,
    path: &str,
    peer: &str,
    headers: &[(&str, &str)],
) -> (u16, HeaderMap, String) {
    let request = TestRequest::default().method(method).uri(path);
    let request = request.peer_addr(peer.parse().unwrap());
    let (status, headers, body) = app.fetch(with_headers(request, headers)).await;
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn status(app: &TestApp, path: &str, peer: &str, headers: &[(&str, &str)]) -> u16 {
    request(app, Method::GET, path, peer, headers).await.0
}

#[actix_rt::test]
async fn the_page_and_its_files_load_only_from_this_server() {
    let app = TestApp::start().await;
    let (status, headers, page) = request(&app, Method::GET, "/", REMOTE, &[]).await;
    assert_eq!(status, 200);
    assert_eq!(
        headers.get("content-type").unwrap(),
        "text/html; charset=utf-8"
    );
    let files = ["src=\"", "href=\""].map(|start| {
        let after = page.split(start).skip(1);
        after.map(|text| text.split('"').next().unwrap())
    });
    let files: Vec<_> = files.into_iter().flatten().collect();
    let files = files.iter().filter(|file| file.starts_with("console/"));
    let mut count = 0;
    for file in files.map(|file| format!("/{file}")).chain(["/".to_owned()]) {
        let (status, headers, content) = request(&app, Method::GET, &file, REMOTE, &[]).await;
        assert_eq!(status, 200, "{file}");
        assert!(!content.is_empty(), "{file}");
        let policy = headers.get("content-security-policy").unwrap();
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("default-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
        count += 1;
    }
    assert_eq!(count, 5);
    let unknown = request(&app, Method::GET, "/console/no-such.js", LOCAL, &[]).await;
    assert_eq!(unknown.0, 404);
}

/// The paths of the console, with values for the parameters.
fn paths() -> Vec<String> {
    let rows = routes::console();
    let paths = rows.iter().map(|row| row.path);
    let paths = paths.map(|path| {
        path.replace("{file}", "app.js")
            .replace("{errcode}", "40029")
    });
    paths.collect()
}

async fn assert_absent(app: &TestApp) {
    assert!(paths().len() >= 15);
    for path in paths() {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
            let (status, ..) = request(app, method.clone(), &path, LOCAL, &[NO_KEY]).await;
            assert_eq!(status, 404, "{method} {path}");
        }
    }
}

#[actix_rt::test]
async fn in_production_every_path_of_the_console_is_404() {
    let production = [("WEAPP_PROFILE", "production")];
    assert_absent(&TestApp::serving_with(&["main"], &production).await).await;
}

/// Starts with a real mini program, with or without the console.
async fn real(console: &str) -> TestApp {
    TestApp::serving_with(&["main"], &[("WEAPP_CONSOLE__ENABLED", console)]).await
}

#[actix_rt::test]
async fn with_the_real_wechat_the_console_is_served_only_if_it_is_enabled() {
    assert_absent(&real("false").await).await;
    let app = real("true").await;
    assert_eq!(status(&app, "/", LOCAL, &[]).await, 200);
    assert_eq!(status(&app, "/console/state", LOCAL, &[NO_KEY]).await, 200);
    // A name of another site that leads to this machine: the page's own origin is no proof.
    let rebound = [
        NO_KEY,
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
    ];
    assert_eq!(status(&app, "/console/state", LOCAL, &rebound).await, 403);
}

/// Returns the key that the server prints.
fn key_of(app: &TestApp) -> String {
    let key = app.parts.console().and_then(|console| console.key());
    key.unwrap().expose().to_owned()
}

const NO_KEY: (&str, &str) = ("x-console-key", "");
const HOST: (&str, &str) = ("host", "localhost:3000");

/// A peer, the headers of its request, and the status of the response.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

#[actix_rt::test]
async fn only_a_page_on_this_machine_or_with_the_key_gets_data() {
    let app = TestApp::start().await;
    let (key, wrong) = (key_of(&app), "0".repeat(32));
    let key = ("x-console-key", key.as_str());
    let wrong = ("x-console-key", wrong.as_str());
    let origin = ("origin", "http://localhost:3000");
    let cases: [Case<'_>; 16] = [
        (LOCAL, &[NO_KEY], 200),
        (LOCAL, &[wrong], 200),
        (LOCAL, &[], 403),
        ("[::1]:50000", &[NO_KEY], 200),
        ("[::ffff:127.0.0.1]:50000", &[NO_KEY], 200),
        (REMOTE, &[NO_KEY], 403),
        (REMOTE, &[wrong], 403),
        (REMOTE, &[], 403),
        (REMOTE, &[key], 200),
        // A proxy on this machine: the page may be anywhere.
        (LOCAL, &[NO_KEY, ("x-forwarded-for", "127.0.0.1")], 403),
        (LOCAL, &[NO_KEY, ("forwarded", "for=127.0.0.1")], 403),
        (LOCAL, &[NO_KEY, ("via", "1.1 caddy")], 403),
        (LOCAL, &[key, ("x-forwarded-for", "192.0.2.1")], 200),
        (LOCAL, &[NO_KEY, HOST, origin], 200),
        (
            LOCAL,
            &[NO_KEY, HOST, ("sec-fetch-site", "same-origin")],
            200,
        ),
        (REMOTE, &[key, ("host", "192.168.1.5:3000")], 200),
    ];
    for (peer, headers, expected) in cases {
        for path in ["/console/state", "/console/errcodes/40029"] {
            let (status, _, reply) = request(&app, Method::GET, path, peer, headers).await;
            assert_eq!(status, expected, "{path} {peer} {headers:?}");
            let reply: Value = serde_json::from_str(&reply).unwrap();
            if status == 403 {
                assert_eq!(reply["error"], "console_key_required", "{headers:?}");
            }
        }
    }
}

/// With the real WeChat, the guard of the console is the only one.
#[actix_rt::test]
async fn a_page_of_another_origin_gets_no_data_even_with_the_key() {
    let app = real("true").await;
    let key = key_of(&app);
    let key = ("x-console-key", key.as_str());
    let foreign: [&[(&str, &str)]; 6] = [
        &[("host", "evil.example")],
        &[HOST, ("origin", "https://evil.example")],
        // Another server on this machine, to which the API itself responds.
        &[HOST, ("origin", "http://localhost:5173")],
        &[HOST, ("origin", "https://servicewechat.com")],
        &[HOST, ("origin", "null")],
        &[HOST, ("sec-fetch-site", "same-site")],
    ];
    for headers in foreign {
        let headers: Vec<_> = headers.iter().copied().chain([key]).collect();
        for path in ["/console/state", "/console/events", "/console/users"] {
            let (status, _, reply) = request(&app, Method::GET, path, LOCAL, &headers).await;
            let reply: Value = serde_json::from_str(&reply).unwrap_or_default();
            let error = (status, reply["error"].as_str());
            assert_eq!(error, (403, Some("foreign_request")), "{path} {headers:?}");
        }
    }
}

#[actix_rt::test]
async fn the_page_gets_the_facts_and_the_table_of_error_numbers() {
    let app = TestApp::start().await;
    let (_, _, state) = request(&app, Method::GET, "/console/state", LOCAL, &[NO_KEY]).await;
    let state: Value = serde_json::from_str(&state).unwrap();
    let apps = json!([{ "name": "main", "app_id": app.wechat.app_id() }]);
    assert_eq!(state["data"]["apps"], apps);
    assert_eq!(state["data"]["simulated"], true);
    let path = "/console/errcodes/40163";
    let (_, _, row) = request(&app, Method::GET, path, LOCAL, &[NO_KEY]).await;
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row["data"]["login_error"], "login_code_used");
    assert_eq!(row["data"]["errmsg"], "code been used");
    for path in ["/console/errcodes/1", "/console/settings"] {
        assert_eq!(status(&app, path, LOCAL, &[NO_KEY]).await, 404, "{path}");
    }
}

/// An open page: reads the events of a server over a connection.
struct Page {
    connection: Connection,
    unread: String,
}

impl Page {
    fn open(server: &Binary, headers: &str) -> Self {
        let mut connection = server.connect();
        let request = format!(
            "GET /console/events HTTP/1.1\r\nhost: localhost\r\nx-console-key:\r\n{headers}\r\n"
        );
        connection.send(request.as_bytes());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push_str(&connection.line());
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        let mut page = Self {
            connection,
            unread: String::new(),
        };
        assert_eq!(page.block(), ": connected");
        page
    }

    /// Reads to the next empty line.
    fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = rest.to_owned();
                return block;
            }
            let chunk = self.connection.chunk();
            assert!(!chunk.is_empty(), "the stream ended");
            self.unread.push_str(&chunk);
        }
    }

    /// Reads the next event: its id, its kind and its data.
    fn next(&mut self) -> (String, String, Value) {
        let block = self.block();
        let field = |name: &str| {
            let value = block.lines().find_map(|line| line.strip_prefix(name));
            value.unwrap_or_default().to_owned()
        };
        let data = serde_json::from_str(&field("data: ")).unwrap();
        (field("id: "), field("event: "), data)
    }
}

fn new_code(server: &Binary, user: &str) -> String {
    let path = format!("/simulator/users/{user}/login-code");
    let (_, reply) = server.ask("POST", &path, "", "");
    reply["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_page_gets_each_request_with_its_calls_and_without_secrets() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let code = new_code(&server, "mei");
    let mut page = Page::open(&server, "");
    let (token, _) = server.log_in(&code);

    let (_, kind, call) = page.next();
    assert_eq!(kind, "call");
    let url = call["url"].as_str().unwrap();
    assert!(url.starts_with("/sns/jscode2session?appid=wx"), "{url}");
    assert!(url.contains("&secret=***&js_code="), "{url}");
    let answer = json!({"openid": "***", "session_key": "***"});
    assert_eq!(call["reply"], answer.to_string());
    assert_eq!(
        (&call["errcode"], &call["status"]),
        (&json!(0), &json!(200))
    );
    let (_, kind, login) = page.next();
    assert_eq!(
        (kind.as_str(), &login["path"]),
        ("request", &json!("/login"))
    );
    assert_eq!(login["request_id"], call["request_id"]);
    assert_eq!(login["status"], 200);
    let short: String = code.chars().take(6).collect();
    assert_eq!(
        login["body"],
        json!({"code": format!("{short}…")}).to_string()
    );
    assert!(login["ms"].as_f64().unwrap() > 0.0, "{login}");

    // The same code again: the doctor's sentence is part of the event.
    assert_eq!(server.login(&code).0, 401);
    let (_, _, call) = page.next();
    assert_eq!(call["errcode"], 40163);
    let (_, _, rejected) = page.next();
    assert_eq!(rejected["error"], "login_code_used");
    assert_eq!(rejected["errcode"], 40163);
    let cause = rejected["cause"].as_str().unwrap();
    assert!(cause.contains("login rejected, errcode 40163"), "{cause}");
    assert_eq!(rejected["request_id"], call["request_id"]);

    assert_masked(&[&call, &login, &rejected], &[&code, &token]);
}

#[track_caller]
fn assert_masked(events: &[&Value], secrets: &[&str]) {
    for event in events {
        let text = event.to_string();
        for secret in secrets {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// A call that continues without its caller belongs to its request too, and so does the fetch of the access token.
#[test]
fn the_calls_for_a_phone_number_belong_to_its_request() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let (token, _) = server.log_in(&new_code(&server, "mei"));
    let (_, reply) = server.ask("POST", "/simulator/users/mei/phone-code", "", "");
    let code = reply["code"].as_str().unwrap();
    let mut page = Page::open(&server, "");
    let body = json!({ "code": code }).to_string();
    let (status, reply) = server.ask("POST", "/user/phone", &token, &body);
    assert_eq!(status, 200, "{reply}");
    let events = [page.next().2, page.next().2, page.next().2];
    let endpoints = ["/cgi-bin/stable_token", "/wxa/business/getuserphonenumber"];
    for (event, endpoint) in events.iter().zip(endpoints) {
        assert_eq!(event["endpoint"], endpoint);
        assert_eq!(event["request_id"], events[2]["request_id"], "{endpoint}");
    }
    let headers = events[2]["headers"].to_string();
    let shown: String = token.chars().take(8).collect();
    assert!(headers.contains(&format!("Bearer {shown}…")), "{headers}");
    let number = reply["data"]["phone_number"].as_str().unwrap();
    assert_masked(&events.each_ref(), &[code, &token, number]);
}

#[test]
fn nothing_is_recorded_without_a_page_and_a_page_continues_where_it_was() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    assert_eq!(server.ask("GET", "/before", "", "").0, 404);
    let mut page = Page::open(&server, "");
    assert_eq!(server.ask("GET", "/one", "", "").0, 404);
    let (id, _, one) = page.next();
    assert_eq!(
        one["path"], "/one",
        "the request before the page is not shown"
    );
    let mut other = Page::open(&server, "");
    assert_eq!(other.next().2["path"], "/one", "two pages show the same");
    drop(page);
    assert_eq!(server.ask("GET", "/two?s3cret=x&all", "", "").0, 404);
    let mut again = Page::open(&server, &format!("last-event-id: {id}\r\n"));
    for page in [&mut other, &mut again] {
        assert_eq!(page.next().2["path"], "/two?s3cret=***&all");
    }
    // The page's own requests are not shown.
    assert_eq!(server.ask("GET", "/console/state", "", "").0, 403);
    assert_eq!(server.ask("GET", "/three", "", "").0, 404);
    assert_eq!(other.next().2["path"], "/three");
    server.wait_for("mGET /three ");
    let output = server.output();
    assert!(!output.contains("mGET /console"), "{output}");
}

#[test]
fn an_open_page_does_not_delay_the_shutdown() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[("WEAPP_SERVER__SHUTDOWN_SECONDS", "60")]);
    let mut page = Page::open(&server, "");
    let begin = std::time::Instant::now();
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
    assert_eq!(page.connection.chunk(), "", "the stream is complete");
}

#[test]
fn the_page_shows_the_findings_of_config_check() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let settings = || {
        let (_, reply) = server.get("/console/settings", "x-console-key:\r\n");
        let reply: Value = serde_json::from_str(&reply).unwrap();
        reply["data"].clone()
    };
    let accepted = settings();
    assert_eq!(accepted["accepted"], true, "{accepted}");
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("local.toml"), "server.prot = 1").unwrap();
    let rejected = settings();
    assert_eq!(rejected["accepted"], false, "{rejected}");
    let text = rejected["text"].as_str().unwrap();
    assert!(text.contains("server.prot"), "{text}");
}

#[test]
fn the_server_prints_the_address_of_the_console_with_the_key_that_other_machines_need() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let line = format!("console: http://localhost:{}/;", server.port);
    assert!(server.output().contains(&line), "{}", server.output());
    let exposed = Binary::start(&folder, &[("WEAPP_SERVER__HOST", "0.0.0.0")]);
    let line = format!("console: http://localhost:{}/?key=", exposed.port);
    let output = exposed.output();
    let (_, key) = output.split_once(&line).unwrap();
    let key = key.split(';').next().unwrap();
    assert_eq!(key.len(), 32, "{key}");
    let headers = format!("via: proxy\r\nx-console-key: {key}\r\n");
    assert_eq!(exposed.get("/console/state", &headers).0, 200);
}
