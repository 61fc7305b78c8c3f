//! Rejected requests: each has a log line with its id, and each 401 has a challenge.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{self, TestRequest};
use actix_web::{HttpResponse, web};
use serde_json::Value;
use weapp_login::app_with;
use weapp_login::error::{ApiError, ErrorCode};
use weapp_login::routes::{self, Guard, Row};
use weapp_login::telemetry::REJECTED;

use crate::express::capture::Lines;
use crate::harness::{Folder, Reply, TestApp, bearer};
use crate::server::Binary;

/// Fails with the error of this number in the table.
async fn fail(number: web::Path<usize>) -> Result<HttpResponse, ApiError> {
    Err(ErrorCode::ALL[*number].into())
}

async fn panics_now() -> HttpResponse {
    panic!("out of order")
}

async fn says_no() -> HttpResponse {
    HttpResponse::Gone().body("gone")
}

async fn turns_away(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.query_string().is_empty() {
        return Err(actix_web::error::ErrorTooManyRequests("not now"));
    }
    next.call(request).await
}

fn rows() -> Vec<Row> {
    vec![
        Row::get("/fail/{number}", Guard::Open, web::to(fail)),
        Row::get("/panic", Guard::Open, web::to(panics_now)),
        Row::get("/no", Guard::Open, web::to(says_no)),
        Row::get(
            "/busy",
            Guard::Open,
            web::to(says_no).wrap(from_fn(turns_away)),
        ),
    ]
}

/// Requests a path of [`rows`]. Returns the status, the body and the lines about rejections.
async fn rejected(path: &str) -> (u16, Value, Vec<String>) {
    let rig = TestApp::start().await;
    let lines = Lines::of(REJECTED);
    lines.catch();
    let service = test::init_service(app_with(&rig.parts, rows())).await;
    let request = TestRequest::get().uri(path).to_request();
    let response = test::call_service(&service, request).await;
    let status = response.status().as_u16();
    let id = response.headers().get("x-request-id").cloned();
    let body = test::read_body(response).await;
    let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
    body["request_id"] = id.unwrap().to_str().unwrap().into();
    (status, body, lines.take(1))
}

#[track_caller]
fn check_line(lines: &[String], body: &Value, status: u16, error: &str, route: &str) {
    let id = body["request_id"].as_str().unwrap();
    let [line] = lines else { panic!("{lines:?}") };
    assert!(line.starts_with(&format!("{status} {error}")), "{line}");
    assert!(
        line.ends_with(&format!("({route}, request {id})")),
        "{line}"
    );
}

#[actix_rt::test]
async fn every_error_of_the_table_has_a_line() {
    for (number, code) in ErrorCode::ALL.iter().enumerate() {
        let (status, body, lines) = rejected(&format!("/fail/{number}")).await;
        assert_eq!(
            (status, body["error"].as_str().unwrap()),
            (code.status().as_u16(), code.name())
        );
        check_line(&lines, &body, status, code.name(), "GET /fail/{number}");
    }
}

#[actix_rt::test]
async fn a_panic_has_a_line() {
    let (status, body, lines) = rejected("/panic").await;
    let error = "internal: a handler panicked: out of order";
    check_line(&lines, &body, status, error, "GET /panic");
}

#[actix_rt::test]
async fn an_extractor_that_fails_has_a_line() {
    let (status, body, lines) = rejected("/fail/x").await;
    assert_eq!(&body["error"], "not_found");
    check_line(
        &lines,
        &body,
        status,
        "not_found: can not parse",
        "GET /fail/{number}",
    );
}

#[actix_rt::test]
async fn an_error_of_a_middleware_has_the_common_shape_and_a_line() {
    let (status, body, lines) = rejected("/busy").await;
    assert_eq!((status, &body["error"]), (429, &"too_many_requests".into()));
    check_line(
        &lines,
        &body,
        status,
        "too_many_requests: not now",
        "GET /busy",
    );
}

#[actix_rt::test]
async fn a_status_without_an_error_has_a_line() {
    let (status, body, lines) = rejected("/no").await;
    assert_eq!(status, 410);
    check_line(&lines, &body, status, "bad_request", "GET /no");
}

/// Rejections of each kind, as method, path, body and error.
const KINDS: [(&str, &str, &str, &str); 9] = [
    ("GET", "/nope", "", "not_found"),
    ("PUT", "/login", "", "method_not_allowed"),
    ("GET", "/session", "", "session_required"),
    ("POST", "/introspect", "", "introspection_off"),
    ("POST", "/login", "{", "malformed_json"),
    ("POST", "/login", "{}", "code_missing"),
    ("POST", "/login", r#"{"code":1}"#, "code_malformed"),
    (
        "POST",
        "/login",
        r#"{"code":"a-code","app":"y"}"#,
        "app_unknown",
    ),
    (
        "POST",
        "/login",
        r#"{"a":"long text in a body of 32 bytes"}"#,
        "body_too_large",
    ),
];

/// A body that does not arrive.
const STALLED: &str = "POST /login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";

#[test]
fn each_kind_of_rejection_is_found_by_its_id_at_the_default_level() {
    let folder = Folder::new();
    let environment = [
        ("WEAPP_JSON__LIMIT", "32"),
        ("WEAPP_JSON__BODY_TIMEOUT_SECONDS", "1"),
    ];
    let mut server = Binary::start(&folder, &environment);
    let mut replies = Vec::new();
    for (method, path, body, error) in KINDS {
        replies.push((server.ask(method, path, "", body).1, error));
    }
    let mut connection = server.connect();
    connection.send(STALLED.as_bytes());
    replies.push((connection.reply().unwrap().1, "body_timeout"));
    for (reply, error) in replies {
        assert_eq!(reply["error"], error, "{reply}");
        let id = format!("request {})", reply["request_id"].as_str().unwrap());
        let line = server.wait_for(&id);
        assert!(line.contains(error) && line.contains(REJECTED), "{line}");
    }
}

#[test]
fn the_lines_about_rejections_can_be_limited_to_warnings() {
    let folder = Folder::new();
    let level = format!("{REJECTED}=warn");
    let mut server = Binary::start(&folder, &[("WEAPP_LOG__TARGETS", &level)]);
    assert_eq!(server.ask("GET", "/nope", "", "").0, 404);
    let output = server.stop();
    assert!(!output.contains("not_found"), "{output}");
}

const REALM: &str = "Bearer realm=\"weapp-login\"";
const INVALID: &str = "Bearer realm=\"weapp-login\", error=\"invalid_token\"";
const KEY: &str = "a-service.key_of~32-letters-0123";

#[track_caller]
fn check_challenge(reply: &Reply, challenge: &str) {
    let expected = (reply.status == 401).then_some(challenge);
    assert_eq!(reply.header("www-authenticate"), expected, "{}", reply.text);
}

#[actix_rt::test]
async fn each_401_of_a_route_has_a_challenge_that_says_if_the_token_is_invalid() {
    let app = TestApp::with(&[("WEAPP_GATEWAY__SERVICE_KEYS", KEY)]).await;
    let ended = app.token_of("mei").await;
    app.end_session(&ended).await;
    let mut guarded = 0;
    for row in routes::table() {
        let request = || {
            let request = TestRequest::default().method(row.method.clone());
            request.uri(row.path)
        };
        let reply = app.call(request()).await;
        guarded += u32::from(reply.status == 401);
        check_challenge(&reply, REALM);
        for token in ["wxs_nonsense", "", &ended] {
            let reply = app.call(request().insert_header(bearer(token))).await;
            check_challenge(&reply, INVALID);
            let basic = ("authorization", "Basic bWVpOng=");
            let reply = app.call(request().insert_header(basic)).await;
            check_challenge(&reply, INVALID);
        }
    }
    assert!(guarded > 10, "{guarded}");
    let head = TestRequest::default().method(Method::HEAD).uri("/session");
    check_challenge(&app.call(head).await, REALM);
}

#[actix_rt::test]
async fn a_rejected_login_code_is_no_invalid_token() {
    let app = TestApp::start().await;
    let code = app.wechat.issue_code("mei");
    let authorization = bearer(&app.login(&code).await.token());
    let headers = [(authorization.0, &*authorization.1)];
    let used = app.login_with(&code, &headers).await;
    used.assert_error(401, "login_code_used");
    check_challenge(&used, REALM);
}

#[actix_rt::test]
async fn each_401_of_the_table_has_a_challenge() {
    let rig = TestApp::start().await;
    let service = test::init_service(app_with(&rig.parts, rows())).await;
    for (number, code) in ErrorCode::ALL.iter().enumerate() {
        let request = TestRequest::get()
            .uri(&format!("/fail/{number}"))
            .to_request();
        let response = test::call_service(&service, request).await;
        let challenge = response.headers().get("www-authenticate");
        let expected = (code.status() == 401).then_some(REALM);
        let challenge = challenge.map(|challenge| challenge.to_str().unwrap());
        assert_eq!(challenge, expected, "{}", code.name());
    }
}
