//! Tests of the metrics: their text, their closed sets of labels, and where they are served.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{self, TestRequest};
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use weapp_login::middleware::panics;
use weapp_login::middleware::request_metrics::Pattern;
use weapp_login::settings::Settings;
use weapp_login::{Parts, app, metrics_app};
use wechat_simulator::{Endpoint, Fault};

use crate::harness::{Folder, TestApp, now};
use crate::server::{Binary, Connection, listen};

const CODE_TO_SESSION: Endpoint = Endpoint::Code2Session;

/// Sends logins, rejected requests and unknown paths.
async fn send_requests(app: &TestApp) {
    let code = app.wechat.issue_code("mei");
    let token = app.login(&code).await.token();
    app.login(&code).await.assert_error(401, "login_code_used");
    app.post_login(json!({}))
        .await
        .assert_error(400, "code_missing");
    let odd = Fault::body(r#"{"errcode":99999,"errmsg":"odd"}"#);
    app.wechat.fail_next(CODE_TO_SESSION, odd);
    let rejected = app.login(&app.wechat.issue_code("mei")).await;
    rejected.assert_error(502, "platform_unintelligible");
    assert_eq!(app.show_session(&token).await.status, 200);
    app.end_session(&token).await.assert_data(json!({}));
    app.show_session(&token)
        .await
        .assert_error(401, "session_required");
    for request in [
        TestRequest::get().uri("/nope"),
        TestRequest::default()
            .method(Method::from_bytes(b"BREW").unwrap())
            .uri("/LOGIN/"),
    ] {
        app.call(request).await;
    }
}

/// Removes the lines that depend on time: buckets and sums.
fn without_times(text: &str) -> String {
    let timeless = |line: &&str| !line.contains("_bucket{") && !line.contains("_sum{");
    let lines = text.lines().filter(timeless);
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[actix_rt::test]
async fn some_requests_result_in_exactly_this_text() {
    let app = TestApp::start().await;
    send_requests(&app).await;
    let (status, text) = app.scrape().await;
    assert_eq!(status, 200);
    let expected = r#"# HELP weapp_build_info Always 1; the labels show the version and the profile.
# TYPE weapp_build_info gauge
weapp_build_info{profile="development",version="VERSION"} 1
# HELP weapp_http_request_duration_seconds Time until the response head was ready, by route pattern, method and status.
# TYPE weapp_http_request_duration_seconds histogram
weapp_http_request_duration_seconds_count{method="DELETE",route="/session",status="200"} 1
weapp_http_request_duration_seconds_count{method="GET",route="/session",status="200"} 1
weapp_http_request_duration_seconds_count{method="GET",route="/session",status="401"} 1
weapp_http_request_duration_seconds_count{method="GET",route="none",status="404"} 1
weapp_http_request_duration_seconds_count{method="POST",route="/login",status="200"} 1
weapp_http_request_duration_seconds_count{method="POST",route="/login",status="400"} 1
weapp_http_request_duration_seconds_count{method="POST",route="/login",status="401"} 1
weapp_http_request_duration_seconds_count{method="POST",route="/login",status="502"} 1
weapp_http_request_duration_seconds_count{method="other",route="/login",status="405"} 1
# HELP weapp_http_requests_abandoned_total Requests whose client disconnected before the response; no other series counts them.
# TYPE weapp_http_requests_abandoned_total counter
weapp_http_requests_abandoned_total 0
# HELP weapp_log_lines_dropped_total Log lines dropped because they could not be written in time.
# TYPE weapp_log_lines_dropped_total counter
weapp_log_lines_dropped_total 0
# HELP weapp_platform_call_duration_seconds Time of a platform call including retries, by platform, endpoint, outcome and errcode.
# TYPE weapp_platform_call_duration_seconds histogram
weapp_platform_call_duration_seconds_count{endpoint="/sns/jscode2session",errcode="0",outcome="success",platform="wechat"} 1
weapp_platform_call_duration_seconds_count{endpoint="/sns/jscode2session",errcode="40163",outcome="rejected",platform="wechat"} 1
weapp_platform_call_duration_seconds_count{endpoint="/sns/jscode2session",errcode="other",outcome="rejected",platform="wechat"} 1
# HELP weapp_store_operation_duration_seconds Time of a store operation, by operation and outcome.
# TYPE weapp_store_operation_duration_seconds histogram
weapp_store_operation_duration_seconds_count{operation="log_in",outcome="done"} 1
weapp_store_operation_duration_seconds_count{operation="revoke",outcome="done"} 1
# HELP weapp_user_logins_total Logins, by outcome (success or the name of the error) and the platform's errcode.
# TYPE weapp_user_logins_total counter
weapp_user_logins_total{errcode="0",outcome="success"} 1
weapp_user_logins_total{errcode="40163",outcome="login_code_used"} 1
weapp_user_logins_total{errcode="none",outcome="code_missing"} 1
weapp_user_logins_total{errcode="other",outcome="platform_unintelligible"} 1
"#;
    let expected = expected.replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(without_times(&text), expected);
}

#[actix_rt::test]
async fn no_request_can_create_a_series() {
    let app = TestApp::start().await;
    let hostile = async |number: i64| {
        let text = format!("x{number}");
        let method = Method::from_bytes(text.to_uppercase().as_bytes()).unwrap();
        let uris = [
            format!("/{text}"),
            format!("/sessions/{text}?{text}"),
            "/login".to_owned(),
        ];
        for uri in uris {
            for method in [Method::GET, method.clone()] {
                let request = TestRequest::default().method(method).uri(&uri);
                app.call(request.insert_header(("host", text.as_str())))
                    .await;
            }
        }
        let error = json!({ "errcode": 70_000 + number, "errmsg": text }).to_string();
        app.wechat.fail_next(CODE_TO_SESSION, Fault::body(error));
        app.login(&app.wechat.issue_code(&text)).await;
        app.post_login(json!({ "code": "x", "app": text })).await;
    };
    let series = |text: &str| {
        let names = text.lines().filter_map(|line| line.rsplit_once(' '));
        names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    hostile(0).await;
    let (_, before) = app.scrape().await;
    hostile(1).await;
    app.scrape().await;
    hostile(2).await;
    let (_, after) = app.scrape().await;
    // The first scrape is a request itself.
    let of_the_scrape = |name: &String| name.contains(r#"route="/metrics""#);
    let mut after = series(&after);
    after.retain(|name| !of_the_scrape(name));
    assert_eq!(series(&before), after);
    for sent in ["x0", "X1", "x2", "70001", "nope"] {
        assert!(after.iter().all(|name| !name.contains(sent)), "{sent}");
    }
}

async fn panics_now() -> HttpResponse {
    panic!("now")
}

#[actix_rt::test]
async fn a_panic_is_counted_like_any_response() {
    let rig = TestApp::start().await;
    let resource = web::resource("/panic")
        .app_data(Pattern("/panic"))
        .wrap_fn(panics::catch)
        .to(panics_now);
    let service = test::init_service(app(&rig.parts).service(resource)).await;
    let request = TestRequest::get().uri("/panic").to_request();
    assert_eq!(test::call_service(&service, request).await.status(), 500);
    let counted = r#"_count{method="GET",route="/panic",status="500"} 1"#;
    assert!(rig.scrape().await.1.contains(counted));
}

/// Waits for a line of the metrics.
async fn wait_for(app: &TestApp, line: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (_, text) = app.scrape().await;
        if text.lines().any(|found| found == line) {
            return;
        }
        assert!(Instant::now() < deadline, "no `{line}` in:\n{text}");
        actix_rt::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_rt::test]
async fn a_request_whose_client_disconnects_counts_only_as_abandoned() {
    let app = TestApp::start().await;
    let server = app.serve();
    let head = "POST /login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    // First a request whose body breaks off, then one without a response yet.
    let mut connection = Connection::to(server.port);
    connection.send(head.as_bytes());
    connection.reset();
    wait_for(&app, "weapp_http_requests_abandoned_total 1").await;
    app.wechat.fail_next(CODE_TO_SESSION, Fault::Silence);
    let body = json!({ "code": app.wechat.issue_code("mei") }).to_string();
    let whole = head.replace("99", &body.len().to_string());
    let mut connection = Connection::to(server.port);
    connection.send(format!("{}{body}", whole.trim_end_matches('{')).as_bytes());
    while app.requests_to(CODE_TO_SESSION) == 0 {
        actix_rt::time::sleep(Duration::from_millis(5)).await;
    }
    connection.reset();
    wait_for(&app, "weapp_http_requests_abandoned_total 2").await;
    let (_, text) = app.scrape().await;
    assert!(!text.contains(r#"route="/login""#), "{text}");
}

#[actix_rt::test]
async fn live_sessions_are_those_of_the_last_count() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.token_of("bo").await;
    assert!(!app.scrape().await.1.contains("weapp_sessions"));
    let counted = now();
    app.parts.count_sessions(counted).await.unwrap();
    app.end_session(&token).await.assert_data(json!({}));
    let (_, text) = app.scrape().await;
    assert!(text.contains("\nweapp_sessions_live 2\n"), "{text}");
    let at = format!(
        "\nweapp_sessions_counted_timestamp_seconds {}",
        counted.as_second()
    );
    assert!(text.contains(&at), "{text}");
    app.parts.count_sessions(now()).await.unwrap();
    assert!(app.scrape().await.1.contains("\nweapp_sessions_live 1\n"));
}

async fn get<B: actix_web::body::MessageBody>(
    response: ServiceResponse<B>,
) -> (u16, String, Option<String>) {
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type");
    let kind = kind.map(|value| value.to_str().unwrap().to_owned());
    let text = test::read_body(response).await;
    (status, String::from_utf8(text.to_vec()).unwrap(), kind)
}

#[actix_rt::test]
async fn metrics_with_their_own_port_are_not_on_the_servers_port() {
    let rig = TestApp::with(&[("WEAPP_METRICS__PORT", "9464")]).await;
    let asked = rig.call(TestRequest::get().uri("/metrics")).await;
    asked.assert_error(404, "not_found");
    let service = test::init_service(metrics_app(&rig.parts)).await;
    let ask = |path| test::call_service(&service, TestRequest::get().uri(path).to_request());
    let (status, text, kind) = get(ask("/metrics").await).await;
    assert_eq!(status, 200);
    assert_eq!(
        kind.as_deref(),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        text.contains(r#"{method="GET",route="none",status="404"} 1"#),
        "{text}"
    );
    for path in ["/livez", "/session", "/"] {
        let (status, text, _) = get(ask(path).await).await;
        let reply: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &reply["error"]), (404, &"not_found".into()));
    }
}

#[actix_rt::test]
async fn the_metrics_answer_head_and_name_their_methods() {
    let shared = TestApp::start().await;
    let own = TestApp::with(&[("WEAPP_METRICS__PORT", "9464")]).await;
    let own = test::init_service(metrics_app(&own.parts)).await;
    let request = |method| TestRequest::with_uri("/metrics").method(method);
    assert_eq!(shared.fetch(request(Method::HEAD)).await.0, 200);
    let ask = |method| test::call_service(&own, request(method).to_request());
    assert_eq!(ask(Method::HEAD).await.status(), 200);
    let post = ask(Method::POST).await;
    let allow = post.headers().get("allow").unwrap();
    assert_eq!(post.status(), 405);
    assert_eq!(allow, "GET, HEAD");
}

#[actix_rt::test]
async fn the_settings_move_or_disable_the_metrics() {
    let app = TestApp::with(&[("WEAPP_METRICS__PATH", "/internal/numbers")]).await;
    app.call(TestRequest::get().uri("/metrics"))
        .await
        .assert_error(404, "not_found");
    let moved = TestRequest::get().uri("/internal/numbers");
    assert_eq!(app.fetch(moved).await.0, 200);
    let app = TestApp::with(&[("WEAPP_METRICS__ENABLED", "false")]).await;
    assert_eq!(app.login(&app.wechat.issue_code("mei")).await.status, 200);
    app.parts.count_sessions(now()).await.unwrap();
    app.call(TestRequest::get().uri("/metrics"))
        .await
        .assert_error(404, "not_found");
}

#[actix_rt::test]
async fn metrics_cannot_take_the_path_of_a_route() {
    let folder = Folder::new();
    let environment = [
        ("WEAPP_STORE__URL", folder.store_url()),
        ("WEAPP_METRICS__PATH", "/session/key".to_owned()),
    ];
    let loaded = Settings::load(environment, Path::new("no-such-folder")).unwrap();
    let rejected = Parts::new(&loaded.settings, None, true)
        .await
        .map(|_parts| ());
    assert_eq!(
        rejected.unwrap_err().to_string(),
        "`metrics.path` cannot be `/session/key`, which is a route\n  hint: choose another path, such as /metrics"
    );
}

#[test]
fn a_server_serves_while_it_waits_for_its_metrics_port() {
    let folder = Folder::new();
    let (taken, port) = listen();
    let mut server = Binary::start(&folder, &[("WEAPP_METRICS__PORT", &port.to_string())]);
    server.wait_for(&format!("cannot serve metrics on `127.0.0.1:{port}`"));
    assert_eq!(server.login("the code is a mock one").0, 200);
    drop(taken);
    server.wait_for(&format!(
        "metrics are served at http://127.0.0.1:{port}/metrics"
    ));
    let mut connection = Connection::to(port);
    let (status, _) = connection.ask("GET", "/metrics", "", "").unwrap();
    assert_eq!(status, 200);
    assert_eq!(server.ask("GET", "/metrics", "", "").0, 404);
    server.stop();
}

/// Returns the names of our metrics in a query.
fn names(query: &str) -> Vec<&str> {
    let of_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = query.split(|letter| !of_a_name(letter));
    words.filter(|word| word.starts_with("weapp_")).collect()
}

#[actix_rt::test]
async fn every_metric_of_the_dashboard_exists() {
    let app = TestApp::start().await;
    send_requests(&app).await;
    app.parts.count_sessions(now()).await.unwrap();
    let (_, text) = app.scrape().await;
    let there: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/grafana/dashboard.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let queries: Vec<_> = targets
        .flatten()
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    let mut asked: Vec<_> = queries.iter().flat_map(|query| names(query)).collect();
    asked.sort_unstable();
    asked.dedup();
    assert!(asked.len() >= 10, "{asked:?}");
    for name in asked {
        assert!(there.contains(&name), "there is no metric {name}");
    }
}
