//! Benchmarks of single parts of the server: `cargo bench`, or `cargo bench -- store` for some of them.
//!
//! `compare/` measures whole servers.
#![expect(clippy::unwrap_used, reason = "a benchmark stops when its setup fails")]

use std::cell::Cell;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, process};

use actix_rt::Runtime;
use actix_web::dev::{Payload, Service};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, FromRequest as _, HttpRequest, HttpResponse, web};
use criterion::{BatchSize, Criterion, Throughput};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use log::{LevelFilter, Log, Metadata, Record};
use serde::Deserialize;
use weapp_login::identity::{AppId, Subject, UserId};
use weapp_login::middleware::access_log::AccessLog;
use weapp_login::middleware::json::{Json, StringField};
use weapp_login::session::{Device, Seal, SessionId, Token};
use weapp_login::store::{self, Login, Store};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Runtime::new().unwrap();
    body_extractor(&mut criterion, &runtime);
    log_line(&mut criterion, &runtime);
    token(&mut criterion);
    let folder = Folder::new();
    let url = format!("sqlite://{}/weapp.db", folder.0.display());
    let store = runtime.block_on(store::open(&url)).unwrap();
    store_reads(&mut criterion, &runtime, &store);
    store_writes(&mut criterion, &runtime, &store);
    runtime.block_on(store.close()).unwrap();
    criterion.final_summary();
}

/// The body of a login, as in `handlers::login`.
#[derive(Deserialize)]
struct Body {
    code: StringField,
}

fn body_extractor(criterion: &mut Criterion, runtime: &Runtime) {
    let parts = || {
        TestRequest::post()
            .insert_header(("content-type", "application/json"))
            .set_payload(r#"{"code":"051bIzT629FmMN0zraV62WLnT62bIzTA"}"#)
            .to_http_parts()
    };
    let extract = |(request, mut payload): (HttpRequest, Payload)| {
        let Json(body) = runtime
            .block_on(Json::<Body>::from_request(&request, &mut payload))
            .unwrap();
        body.code
    };
    criterion.bench_function("body extractor", |bencher| {
        bencher.iter_batched(parts, extract, BatchSize::SmallInput);
    });
}

/// The cost of a log line is the difference between a request with and without the access log.
fn log_line(criterion: &mut Criterion, runtime: &Runtime) {
    log::set_boxed_logger(Box::new(FormatOnly)).unwrap();
    log::set_max_level(LevelFilter::Info);
    let access_log = AccessLog::new("dev", &[], false).unwrap();
    let respond = || web::to(|| async { HttpResponse::Ok().body("{}") });
    let logging = App::new()
        .wrap(access_log.logger())
        .default_service(respond());
    let logging = runtime.block_on(init_service(logging));
    let silent = runtime.block_on(init_service(App::new().default_service(respond())));
    let request = || TestRequest::get().uri("/session").to_request();
    let mut group = criterion.benchmark_group("log line");
    group.bench_function("with", |bencher| {
        let call = |request| {
            runtime
                .block_on(logging.call(request))
                .unwrap()
                .map_body(sent)
        };
        bencher.iter_batched(request, call, BatchSize::SmallInput);
    });
    group.bench_function("without", |bencher| {
        let call = |request| {
            runtime
                .block_on(silent.call(request))
                .unwrap()
                .map_body(sent)
        };
        bencher.iter_batched(request, call, BatchSize::SmallInput);
    });
    group.finish();
}

/// The line is written when the response's body is dropped.
fn sent<B>(_head: &mut actix_web::dev::ResponseHead, body: B) {
    drop(body);
}

/// A logger that formats its lines and drops them.
struct FormatOnly;

impl Log for FormatOnly {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut line = String::new();
        write!(line, "{}", record.args()).unwrap();
        black_box(line);
    }

    fn flush(&self) {}
}

fn token(criterion: &mut Criterion) {
    let token = Token::generate().unwrap();
    let text = token.expose();
    criterion.bench_function("token check", |bencher| {
        bencher.iter(|| Token::parse(black_box(&text)).unwrap().digest());
    });
    let sealed = token.seal(SESSION_KEY).unwrap();
    criterion.bench_function("seal", |bencher| {
        bencher.iter(|| token.seal(black_box(SESSION_KEY)).unwrap());
    });
    criterion.bench_function("open", |bencher| {
        bencher.iter(|| token.open(black_box(&sealed)).unwrap());
    });
}

const SESSION_KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";

fn store_reads(criterion: &mut Criterion, runtime: &Runtime, store: &Arc<dyn Store>) {
    let logins: Vec<Login> = (0..1024).map(|_| login()).collect();
    let digests: Vec<_> = logins.iter().map(|login| login.digest).collect();
    let results = join_all(logins.into_iter().map(|login| store.log_in(login)));
    for result in runtime.block_on(results) {
        result.unwrap();
    }
    let mut group = criterion.benchmark_group("store read");
    let next = Cell::new(0_usize);
    let next_digest = || {
        next.set(next.get() + 1);
        *digests.get(next.get() % digests.len()).unwrap()
    };
    group.bench_function("session and user", |bencher| {
        bencher.iter(|| {
            runtime
                .block_on(store.find(next_digest()))
                .unwrap()
                .unwrap()
        });
    });
    group.bench_function("session status", |bencher| {
        bencher.iter(|| {
            runtime
                .block_on(store.session_status(next_digest()))
                .unwrap()
                .unwrap()
        });
    });
    group.finish();
}

fn store_writes(criterion: &mut Criterion, runtime: &Runtime, store: &Arc<dyn Store>) {
    let mut group = criterion.benchmark_group("store write");
    group.sample_size(20);
    for at_once in [1_u16, 64] {
        group.throughput(Throughput::Elements(at_once.into()));
        group.bench_function(format!("{at_once} at once"), |bencher| {
            let logins = || (0..at_once).map(|_| login()).collect::<Vec<_>>();
            let write = |logins: Vec<Login>| {
                let results = join_all(logins.into_iter().map(|login| store.log_in(login)));
                runtime.block_on(results)
            };
            bencher.iter_batched(logins, write, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// A first login.
fn login() -> Login {
    let token = Token::generate().unwrap();
    let subject = Subject(token.digest().0);
    let seal = Seal::new(b"an AppSecret", b"benchmark");
    let now = Timestamp::from_second(1_764_000_000).unwrap();
    Login {
        subject,
        openid: seal
            .seal("oGZUI0egBJY1zhBYw2KhdUfwVJJE", &subject.0)
            .unwrap(),
        unionid: None,
        person: Vec::new(),
        user_if_new: UserId(SessionId::generate().unwrap().0),
        app: AppId::new("wx0123456789abcdef"),
        digest: token.digest(),
        id: SessionId::generate().unwrap(),
        device: Device::new("iPhone · WeChat 8.0.50 · iOS 17.1"),
        session_keys: token.seal(SESSION_KEY).unwrap(),
        now,
        expires_at: now + SignedDuration::from_hours(7 * 24),
        sessions_per_user: 10,
        replaces: None,
    }
}

/// A folder for the database. Removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
