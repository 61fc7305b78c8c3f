//! `/docs` and `/openapi.json`: contents, compression, caching, and the setting that turns them off.

use std::io::Read as _;

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use flate2::read::GzDecoder;
use serde_json::Value;
use weapp_login::{openapi, routes};

use crate::harness::{TestApp, with_headers};

/// Gets a file, with these request headers.
async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Bytes) {
    let request = TestRequest::get().uri(path);
    app.fetch(with_headers(request, headers)).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

/// Returns the addresses in the page.
fn addresses(page: &str) -> Vec<&str> {
    let after = page
        .split("src=\"")
        .skip(1)
        .chain(page.split("href=\"").skip(1));
    let addresses = after.map(|text| text.split('"').next().unwrap());
    addresses.filter(|address| *address != "data:,").collect()
}

#[actix_rt::test]
async fn the_page_and_its_files_come_from_this_server() {
    let app = TestApp::start().await;
    let (status, headers, page) = get(&app, "/docs", &[]).await;
    assert_eq!(
        (status, header(&headers, "content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = header(&headers, "content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    assert!(
        !policy.contains("http") && !policy.contains('*'),
        "{policy}"
    );
    let page = str::from_utf8(&page).unwrap();
    let addresses = addresses(page);
    assert_eq!(addresses.len(), 6, "{page}");
    for address in addresses {
        let (status, headers, bytes) = get(&app, address, &[]).await;
        assert_eq!(status, 200, "{address}");
        assert!(bytes.len() > 200, "{address}");
        assert_eq!(header(&headers, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&headers, "content-encoding"), None);
        let expected = match address {
            "/openapi.json" | "/docs?lang=en" | "/docs?lang=zh" => "no-cache",
            _ => "public, max-age=86400",
        };
        assert_eq!(
            header(&headers, "cache-control"),
            Some(expected),
            "{address}"
        );
    }
}

#[actix_rt::test]
async fn the_served_document_equals_the_printed_one() {
    let app = TestApp::start().await;
    let (status, headers, bytes) = get(&app, "/openapi.json", &[]).await;
    assert_eq!(
        (status, header(&headers, "content-type")),
        (200, Some("application/json; charset=utf-8"))
    );
    assert_eq!(
        str::from_utf8(&bytes).unwrap(),
        openapi::text(&routes::endpoints(), "")
    );
}

#[actix_rt::test]
async fn the_document_is_in_chinese_on_request() {
    let app = TestApp::start().await;
    let mut documents = Vec::new();
    for path in [
        "/openapi.json?lang=zh",
        "/openapi.json?lang=zh-CN",
        "/openapi.json?lang=en",
        "/openapi.json?lang=fr",
    ] {
        // The address alone selects the language, so caches need no `Vary`.
        let (status, _, bytes) = get(&app, path, &[("accept-language", "zh")]).await;
        assert_eq!(status, 200, "{path}");
        documents.push(serde_json::from_slice::<Value>(&bytes).unwrap());
    }
    let summary = |document: &Value| document["paths"]["/login"]["post"]["summary"].clone();
    let summaries: Vec<_> = documents.iter().map(summary).collect();
    assert_eq!(
        summaries,
        ["登录。", "登录。", "Logs a user in.", "Logs a user in."]
    );
    let example = &documents[0]["components"]["examples"]["not_found"];
    assert_eq!(example["value"]["error"], "not_found");
    for message in [&example["summary"], &example["value"]["message"]] {
        assert_eq!(message, "该路径不存在：请检查 URL。");
    }
    // Nothing but the texts differs.
    let (_, _, english) = get(&app, "/openapi.json", &[]).await;
    let english: Value = serde_json::from_slice(&english).unwrap();
    assert_eq!(without_texts(&documents[0]), without_texts(&english));
}

/// Returns the document without its texts.
fn without_texts(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let is_text = |name: &str, field: &Value| {
                field.is_string() && ["summary", "description", "message"].contains(&name)
            };
            let rest = fields.iter().filter(|(name, field)| !is_text(name, field));
            rest.map(|(name, field)| (name.clone(), without_texts(field)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_texts).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            other.clone()
        }
    }
}

#[actix_rt::test]
async fn gzip_is_sent_to_clients_that_accept_it() {
    let app = TestApp::start().await;
    for accepts in [
        "gzip, deflate, br",
        "br;q=0.5, gzip;q=0.1",
        "identity;q=0, gzip",
    ] {
        let (_, headers, bytes) = get(
            &app,
            "/docs/swagger-ui-bundle.js",
            &[("accept-encoding", accepts)],
        )
        .await;
        assert_eq!(
            header(&headers, "content-encoding"),
            Some("gzip"),
            "{accepts}"
        );
        assert_eq!(header(&headers, "vary"), Some("accept-encoding"));
        let mut inflated = String::new();
        GzDecoder::new(&*bytes)
            .read_to_string(&mut inflated)
            .unwrap();
        assert!(inflated.contains("SwaggerUIBundle"));
    }
    for accepts in ["br", "gzip;q=0", "identity"] {
        let path = "/docs/swagger-ui-bundle.js";
        let (_, headers, bytes) = get(&app, path, &[("accept-encoding", accepts)]).await;
        assert_eq!(header(&headers, "content-encoding"), None, "{accepts}");
        let text = str::from_utf8(&bytes).unwrap();
        assert!(text.contains("SwaggerUIBundle"), "{accepts}");
    }
}

#[actix_rt::test]
async fn a_head_response_has_no_body() {
    let app = TestApp::start().await;
    for path in ["/docs", "/openapi.json", "/docs/swagger-ui.css"] {
        let head = TestRequest::default().method(Method::HEAD).uri(path);
        assert_eq!(app.fetch(head).await.0, 200, "{path}");
    }
}

#[actix_rt::test]
async fn an_unknown_file_is_not_found() {
    let app = TestApp::start().await;
    for path in [
        "/docs/index.html",
        "/docs/..%2fmod.rs",
        "/docs/SWAGGER-UI.CSS",
        "/docs/a/b",
    ] {
        app.call(TestRequest::get().uri(path))
            .await
            .assert_error(404, "not_found");
    }
}

#[actix_rt::test]
async fn a_setting_turns_the_documentation_off() {
    let app = TestApp::with(&[("WEAPP_SERVER__DOCS", "false")]).await;
    for path in ["/docs", "/docs/", "/docs/start.js", "/openapi.json"] {
        app.call(TestRequest::get().uri(path))
            .await
            .assert_error(404, "not_found");
        app.call(TestRequest::post().uri(path))
            .await
            .assert_error(404, "not_found");
    }
}
