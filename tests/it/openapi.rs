//! The OpenAPI document: it speaks of every route and of no other, and of every refusal that any test here sees.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};
use weapp_login::openapi;
use weapp_login::routes::{self, Guard};

use crate::harness::TestApp;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&openapi::text(&routes::endpoints())).unwrap());

/// The operation of a path as it was sent, in whatever spelling.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_it = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(name, given)| name.starts_with('{') || name.eq_ignore_ascii_case(given))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (_, item) = paths.iter().find(|(template, _)| is_it(template))?;
    let method = match *method {
        Method::HEAD => "get".to_owned(),
        _ => method.as_str().to_lowercase(),
    };
    item.get(&method)
}

/// Asserts that the document says of a route that it may refuse so; called for every refusal that the harness sees.
#[track_caller]
pub(crate) fn assert_documented(method: &Method, path: &str, status: u16, error: &str) {
    let Some(operation) = operation(method, path) else {
        assert!(
            ["not_found", "method_not_allowed"].contains(&error),
            "{method} {path}: {error}"
        );
        return;
    };
    let response = &operation["responses"][status.to_string()];
    let documented = &response["content"]["application/json"]["examples"][error];
    assert!(
        documented.is_object(),
        "nobody is told that {method} {path} may be answered {status} {error}"
    );
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi.json");
    let committed = fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == openapi::text(&routes::endpoints()),
        "the API has changed: read what `git diff` says after\n    cargo run -q -- openapi > tests/openapi.json"
    );
}

#[test]
fn every_row_has_its_operation_and_every_operation_its_row() {
    let rows = routes::table()
        .into_iter()
        .map(|row| (row.path.to_owned(), row.method.as_str().to_lowercase()));
    let mut described = BTreeSet::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert((path.clone(), method.clone()));
        }
    }
    assert_eq!(described, rows.collect());
}

#[test]
fn a_guarded_route_wants_the_token_and_a_login_does_not() {
    for row in routes::table() {
        let operation = operation(&row.method, row.path).unwrap();
        let wants = operation["security"] == json!([{ "bearer": [] }]);
        let expected =
            row.guard == Guard::Session || (row.path, &row.method) == ("/session", &Method::DELETE);
        assert_eq!(wants, expected, "{} {}", row.method, row.path);
    }
    let scheme = &DOCUMENT["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&json!("http"), &json!("bearer"))
    );
}

#[test]
fn no_two_operations_have_one_name() {
    let mut names = BTreeSet::new();
    for row in routes::table() {
        let operation = operation(&row.method, row.path).unwrap();
        assert!(
            names.insert(operation["operationId"].as_str().unwrap()),
            "{operation}"
        );
    }
}

#[actix_rt::test]
async fn the_examples_of_refusals_are_what_is_sent() {
    let app = TestApp::start().await;
    for (request, name) in [
        (TestRequest::get().uri("/session"), "session_required"),
        (TestRequest::post().uri("/login"), "code_missing"),
    ] {
        let mut example = DOCUMENT["components"]["examples"][name]["value"].clone();
        let reply = app.call(request).await.json();
        example["request_id"] = reply["request_id"].clone();
        assert_eq!(reply, example);
    }
}

#[actix_rt::test]
async fn the_example_of_a_login_logs_in() {
    let app = TestApp::start().await;
    let example = &DOCUMENT["components"]["schemas"]["LoginRequest"]["examples"][0];
    app.post_login(example.clone()).await.token();
}
