//! Responses of an app with the extractor.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]

use actix_body_parser::{BodyText, Json, JsonConfig, StringField};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpMessage as _, HttpRequest, HttpResponse, error, web};
use serde::Deserialize;

const JSON: &str = "application/json";

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    code: StringField,
    count: Option<u8>,
}

async fn log_in(request: HttpRequest, Json(login): Json<Login>) -> String {
    let kept = request.extensions().get::<BodyText>().cloned();
    let kept = kept.map(|BodyText(text)| text);
    format!("{:?} {:?} {kept:?}", login.code, login.count)
}

fn post(content_type: &str, body: &str) -> TestRequest {
    TestRequest::post()
        .insert_header((CONTENT_TYPE, content_type))
        .set_payload(body.to_owned())
}

/// Returns the status and the text of the response.
async fn respond(config: Option<JsonConfig>, request: TestRequest) -> (u16, String) {
    let app = App::new().default_service(web::to(log_in));
    let app = match config {
        Some(config) => app.app_data(config),
        None => app,
    };
    let response = call_service(&init_service(app).await, request.to_request()).await;
    let status = response.status().as_u16();
    let body = read_body(response).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn check(config: JsonConfig, request: TestRequest, status: u16, text: &str) {
    let response = respond(Some(config), request).await;
    assert_eq!(response, (status, text.to_owned()));
}

#[actix_web::test]
async fn without_a_configuration_the_defaults_apply() {
    for (body, expected) in [
        (r#"{"code":"a"}"#, "String(1 bytes) None None"),
        (r#"{"code":1,"count":2}"#, "OtherType Some(2) None"),
        ("[]", "Missing None None"),
        ("", "Missing None None"),
    ] {
        let response = respond(None, post(JSON, body)).await;
        assert_eq!(response, (200, expected.to_owned()), "{body}");
    }
}

#[actix_web::test]
async fn each_error_has_the_status_and_text_of_body_parser() {
    let config = JsonConfig::default().limit(20);
    let strict = config.clone().reject_other_types(true);
    let gzip = |body| post(JSON, body).insert_header((CONTENT_ENCODING, "gzip"));
    let long = " ".repeat(21);
    for (config, request, status, text) in [
        (&config, post(JSON, "{"), 400, "the body is not valid JSON"),
        (
            &config,
            post(JSON, "1"),
            400,
            "the body is neither an object nor an array",
        ),
        (
            &config,
            post(JSON, r#"{"count":256}"#),
            400,
            "the body does not have the expected fields and types",
        ),
        (
            &config,
            gzip("{}"),
            400,
            "the body could not be decompressed",
        ),
        (&config, post(JSON, &long), 413, "request entity too large"),
        (
            &strict,
            post("text/plain", "{}"),
            415,
            "unsupported content type",
        ),
        (
            &config,
            post("application/json; charset=gbk", "{}"),
            415,
            "unsupported charset \"GBK\"",
        ),
        (
            &config,
            post(JSON, "{}").insert_header((CONTENT_ENCODING, "Zstd")),
            415,
            "unsupported content encoding \"zstd\"",
        ),
    ] {
        check(config.clone(), request, status, text).await;
    }
    let config = config.inflate(false);
    check(
        config,
        gzip("{}"),
        415,
        "unsupported content encoding \"gzip\"",
    )
    .await;
}

#[actix_web::test]
async fn options_change_what_is_accepted() {
    let lax = JsonConfig::default().strict(false);
    let text = "the body does not have the expected fields and types";
    check(lax, post(JSON, "1"), 400, text).await;
    let config = JsonConfig::default().keep_text(true);
    let request = post(JSON, r#"{"count":1}"#);
    let text = r#"Missing Some(1) Some("{\"count\":1}")"#;
    check(config.clone(), request, 200, text).await;
    let request = post("text/plain", "{}");
    check(config, request, 200, "Missing None Some(\"\")").await;
}

#[actix_web::test]
async fn an_error_handler_converts_errors() {
    let config = JsonConfig::default().error_handler(|error, request| {
        let message = format!("{}: {error}", request.path());
        error::InternalError::from_response(
            error,
            HttpResponse::build(StatusCode::IM_A_TEAPOT).body(message),
        )
        .into()
    });
    let text = "/: the body is not valid JSON";
    check(config.clone(), post(JSON, "{"), 418, text).await;
    let data = web::Data::new(config);
    let app = App::new().app_data(data).default_service(web::to(log_in));
    let request = post(JSON, "{").to_request();
    let response = call_service(&init_service(app).await, request).await;
    assert_eq!(response.status(), 418);
}
