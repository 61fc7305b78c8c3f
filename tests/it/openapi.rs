//! The OpenAPI document: every route, and every error that a test receives.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use actix_web::http::{Method, StatusCode};
use actix_web::test::{self, TestRequest};
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use weapp_login::error::ErrorDefinition;
use weapp_login::routes::{self, Guard, Row};
use weapp_login::{app_with, openapi};

use crate::harness::TestApp;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&openapi::text(&routes::endpoints(), "")).unwrap());

/// Returns the operation of a request path, in any spelling.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let matches = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(name, given)| name.starts_with('{') || name.eq_ignore_ascii_case(given))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (_, item) = paths.iter().find(|(template, _)| matches(template))?;
    let method = match *method {
        Method::HEAD => "get".to_owned(),
        _ => method.as_str().to_lowercase(),
    };
    item.get(&method)
}

/// Asserts that the document has the error for this route. The harness calls it for every error that it receives.
#[track_caller]
pub(crate) fn assert_documented(method: &Method, path: &str, status: u16, error: &str) {
    // Never in production, so not in the document.
    if error == "foreign_request" {
        return;
    }
    // A preflight of a page that is not in the settings. The document has no `OPTIONS`.
    if method == Method::OPTIONS && error == "bad_request" {
        return;
    }
    // The document describes them with `GET /auth`.
    let is_below_auth = path.to_ascii_lowercase().starts_with("/auth/");
    let found = if is_below_auth {
        operation(&Method::GET, "/auth")
    } else {
        operation(method, path)
    };
    let Some(operation) = found else {
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
        "the document of {method} {path} lacks {status} {error}"
    );
}

#[test]
fn the_committed_documents_are_up_to_date() {
    let text = openapi::text(&routes::endpoints(), "");
    let admin_text = openapi::admin_text(&routes::admin_endpoints());
    for (text, update) in [
        (text, "openapi > tests/openapi.json"),
        (admin_text, "openapi --admin > tests/admin-openapi.json"),
    ] {
        let (_, file) = update.split_once("> ").unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert!(
            fs::read_to_string(file).unwrap_or_default() == text,
            "the API has changed: update the file, and review the diff\n    cargo run -q -- {update}"
        );
    }
}

#[test]
fn rows_and_operations_correspond() {
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
fn guarded_routes_and_only_those_require_a_token() {
    for row in routes::table() {
        let operation = operation(&row.method, row.path).unwrap();
        let requires = operation["security"] == json!([{ "bearer": [] }]);
        let expected =
            row.guard == Guard::Session || (row.path, &row.method) == ("/session", &Method::DELETE);
        assert_eq!(requires, expected, "{} {}", row.method, row.path);
    }
    let scheme = &DOCUMENT["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&json!("http"), &json!("bearer"))
    );
}

#[test]
fn the_groups_are_in_the_order_of_the_table_and_summaries_have_no_markdown() {
    let tags: Vec<_> = DOCUMENT["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    assert_eq!(tags[..2], ["login", "session"]);
    for row in routes::table() {
        let operation = operation(&row.method, row.path).unwrap();
        assert!(tags.contains(&&operation["tags"][0]), "{operation}");
        let summary = operation["summary"].as_str().unwrap();
        assert!(
            !summary.contains(['`', '\n']) && summary.len() < 100,
            "{summary}"
        );
    }
}

#[test]
fn operation_ids_are_unique() {
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
async fn the_examples_of_errors_equal_the_responses() {
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

#[actix_rt::test]
async fn a_row_without_an_annotation_is_documented_by_its_method_path_guard_and_errors() {
    const FULL: ErrorDefinition =
        ErrorDefinition::new(StatusCode::CONFLICT, "shelf_full", "Remove a book first.");
    let app = TestApp::start().await;
    let handler = web::to(HttpResponse::Ok);
    let row = Row::put("/books/{isbn}", Guard::Session, handler).errors([FULL]);
    let service = test::init_service(app_with(&app.parts, vec![row])).await;
    let request = TestRequest::get().uri("/openapi.json").to_request();
    let document: Value = test::call_and_read_body_json(&service, request).await;
    let operation = &document["paths"]["/books/{isbn}"]["put"];
    assert_eq!(operation["operationId"], "put_books_isbn");
    assert_eq!(operation["security"], json!([{ "bearer": [] }]));
    assert_eq!(operation["parameters"][0]["name"], "isbn");
    let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200", "401", "404", "409", "500", "503"]);
    let example = &document["components"]["examples"]["shelf_full"]["value"];
    assert_eq!(example["message"], "Remove a book first.");
}
