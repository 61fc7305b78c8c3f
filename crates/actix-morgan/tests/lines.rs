//! Tests of the middleware with a real `App`, whose log is captured.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Once;

use actix_morgan::{Answer, Format, LINE, Morgan};
use actix_web::body::{BodyStream, MessageBody};
use actix_web::dev::Service as _;
use actix_web::middleware::Logger;
use actix_web::test::{TestRequest, call_and_read_body, init_service};
use actix_web::web::Bytes;
use actix_web::{App, HttpMessage as _, HttpRequest, HttpResponse, error, web};
use log::kv::{Key, Source, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Collects each thread's lines, and appends their fields as `key=value`.
struct Capture;

struct Pairs(String);

impl<'a> VisitSource<'a> for Pairs {
    fn visit_pair(&mut self, key: Key<'a>, value: Value<'a>) -> Result<(), log::kv::Error> {
        write!(self.0, " {key}={value}")?;
        Ok(())
    }
}

impl Log for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "actix_morgan"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut line = Pairs(record.args().to_string());
            record.key_values().visit(&mut line).unwrap();
            LINES.with_borrow_mut(|lines| lines.push(line.0));
        }
    }

    fn flush(&self) {}
}

fn morgan(format: &str) -> Morgan {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(LevelFilter::Info);
    });
    let format: Format = format.parse().unwrap();
    Morgan::new(Logger::new(LINE), format)
}

fn take_lines() -> Vec<String> {
    LINES.take()
}

/// Replaces each number in a line by `N`.
fn without_times(line: &str) -> String {
    let words = line.split(' ');
    let is_time = |word: &str| word.contains('.') && word.parse::<f64>().is_ok();
    let words = words.map(|word| if is_time(word) { "N" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

struct Gone;

async fn stream() -> HttpResponse {
    let chunks = futures_util::stream::iter([Ok::<_, error::Error>(Bytes::from("chunk"))]);
    HttpResponse::Ok().body(BodyStream::new(chunks))
}

async fn gone(request: HttpRequest) -> HttpResponse {
    request.extensions_mut().insert(Gone);
    HttpResponse::BadRequest().finish()
}

async fn never() -> HttpResponse {
    std::future::pending().await
}

/// Requests a path and returns the lines that are written before and after the response is dropped.
async fn lines_of(morgan: Morgan, path: &str) -> (Vec<String>, Vec<String>) {
    let app = App::new()
        .route("/", web::to(|| async { "hello" }))
        .route("/stream", web::to(stream))
        .route("/gone", web::to(gone))
        .wrap_fn(|request, next| {
            let response = next.call(request);
            async move {
                let response = response.await?;
                match response.request().path() {
                    "/error" => Err(error::ErrorImATeapot("no coffee")),
                    _ => Ok(response),
                }
            }
        })
        .wrap(morgan.aborted(|request| request.extensions().contains::<Gone>()));
    let app = init_service(app).await;
    let response = app.call(TestRequest::with_uri(path).to_request()).await;
    let before = take_lines();
    drop(response);
    (before, take_lines())
}

#[actix_rt::test]
async fn the_logger_writes_a_line_when_the_body_is_finished() {
    let (before, after) = lines_of(morgan("dev"), "/?code=1").await;
    assert!(before.is_empty(), "{before:?}");
    assert_eq!(
        without_times(&after[0]),
        "\u{1b}[0mGET /?code=*** \u{1b}[32m200\u{1b}[0m N ms - 5\u{1b}[0m"
    );
    assert_eq!(after.len(), 1);
    let (_, after) = lines_of(morgan("tiny"), "/stream").await;
    assert_eq!(without_times(&after[0]), "GET /stream 200 - - N ms");
}

#[actix_rt::test]
async fn a_logger_can_add_directives_around_the_line() {
    let format = "tiny".parse().unwrap();
    let logger = Logger::new(&format!("<{LINE}> %s"));
    morgan("tiny");
    let (_, lines) = lines_of(Morgan::new(logger, format), "/").await;
    assert_eq!(without_times(&lines[0]), "<GET / 200 5 - N ms> 200");
}

#[actix_rt::test]
async fn total_times_are_measured_at_the_end_of_the_body() {
    let format = ":total-time[0]|:status|:total-time[2]|:res[content-length]";
    let (before, after) = lines_of(morgan(format), "/").await;
    assert!(before.is_empty(), "{before:?}");
    let values: Vec<_> = after[0].split('|').collect();
    assert!(values[0].parse::<u32>().is_ok(), "{after:?}");
    assert_eq!((values[1], values[3]), ("200", "5"));
    assert_eq!(values[2].split_once('.').unwrap().1.len(), 2);
}

#[actix_rt::test]
async fn a_request_without_a_response_has_a_line() {
    for format in [":method :url :status", ":method :url :total-time"] {
        let app = App::new()
            .route("/never", web::to(never))
            .wrap(morgan(format));
        let app = init_service(app).await;
        let call = app.call(TestRequest::with_uri("/never").to_request());
        let waiting = actix_rt::time::timeout(std::time::Duration::from_millis(10), call);
        assert!(waiting.await.is_err());
        assert_eq!(take_lines(), ["GET /never -"]);
        let (_, lines) = lines_of(morgan(format), "/gone").await;
        assert_eq!(lines, ["GET /gone -"]);
    }
}

#[actix_rt::test]
async fn an_error_of_a_middleware_has_a_line() {
    for format in [
        ":url :status :res[content-length]",
        ":url :status 9:total-time[9]",
    ] {
        let (lines, _) = lines_of(morgan(format), "/error").await;
        assert!(lines[0].starts_with("/error 418 9"), "{lines:?}");
        assert_eq!(lines.len(), 1);
    }
}

#[actix_rt::test]
async fn an_excluded_path_has_no_line() {
    for format in ["tiny", ":total-time"] {
        let (_, lines) = lines_of(morgan(format).exclude("/"), "/?x=1").await;
        assert!(lines.is_empty(), "{lines:?}");
        let (_, lines) = lines_of(morgan(format).exclude("/"), "/stream").await;
        assert_eq!(lines.len(), 1);
    }
}

#[actix_rt::test]
async fn an_excluded_path_has_no_line_in_any_case_and_with_a_slash_at_the_end() {
    for format in ["tiny", ":total-time"] {
        for excluded in ["/stream", "/STREAM/"] {
            for path in [
                "/stream",
                "/stream/",
                "/STREAM",
                "/Stream/?x=1",
                "/%73tream",
            ] {
                let (_, lines) = lines_of(morgan(format).exclude(excluded), path).await;
                assert!(lines.is_empty(), "{path}: {lines:?}");
            }
            for path in ["/stream//", "/stream/x", "/streams", "/", "//stream"] {
                let (_, lines) = lines_of(morgan(format).exclude(excluded), path).await;
                assert_eq!(lines.len(), 1, "{path}");
            }
        }
    }
}

fn fields(request: &HttpRequest, answer: Option<Answer<'_>>) -> Box<dyn Source> {
    let status = answer.map(|answer| ("status", answer.status.as_u16().to_string()));
    Box::new(
        vec![
            Some(("path", request.path().to_owned())),
            status,
            answer.map(|answer| ("error", answer.error.is_some().to_string())),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>(),
    )
}

#[actix_rt::test]
async fn records_can_have_fields() {
    let format = ":method";
    let (_, lines) = lines_of(morgan(format).fields(fields), "/").await;
    assert_eq!(lines, ["GET path=/ status=200 error=false"]);
    let (_, lines) = lines_of(morgan(format).fields(fields), "/gone").await;
    assert_eq!(lines, ["GET path=/gone"]);
    let (lines, _) = lines_of(morgan(format).fields(fields), "/error").await;
    assert_eq!(lines, ["GET path=/error"]);
}

#[actix_rt::test]
async fn a_body_keeps_its_size_and_content() {
    for format in ["tiny", ":total-time"] {
        let app = App::new()
            .route("/", web::to(|| async { "hello" }))
            .wrap(morgan(format));
        let app = init_service(app).await;
        let response = app.call(TestRequest::default().to_request()).await.unwrap();
        assert_eq!(
            response.into_body().size(),
            actix_web::body::BodySize::Sized(5)
        );
        let body = call_and_read_body(&app, TestRequest::default().to_request()).await;
        assert_eq!(body, "hello");
    }
}
