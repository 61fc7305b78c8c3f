//! Tests of levels and styles.

use std::io;
use std::sync::{Arc, Mutex};

use env_logger::Target;
use log::{Level, LevelFilter, Log, Record};

use crate::settings::{LogStyle, LogTarget, Profile};
use crate::telemetry::{ACCESS, BODY, Filtered, InitError, Options, builder, init};

/// Records each write separately.
#[derive(Clone, Default)]
struct Writes(Arc<Mutex<Vec<String>>>);

impl io::Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.lock().unwrap().push(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(level: LevelFilter, profile: Profile) -> Options<'static> {
    Options {
        level,
        targets: &[],
        style: LogStyle::Text,
        profile,
    }
}

/// Returns what a logger with these options writes.
fn logged(options: &Options<'_>, log: impl FnOnce(&dyn Log)) -> Vec<String> {
    let writes = Writes::default();
    let pipe = Target::Pipe(Box::new(writes.clone()));
    log(&Filtered(builder(options).target(pipe).build()));
    writes.0.lock().unwrap().clone()
}

fn written(level: LevelFilter, profile: Profile, lines: &[(&str, Level, &str)]) -> Vec<String> {
    logged(&options(level, profile), |logger| {
        for (target, level, text) in lines {
            let mut record = Record::builder();
            record.target(target).level(*level);
            logger.log(&record.args(format_args!("{text}")).build());
        }
    })
}

fn passes(level: LevelFilter, profile: Profile, target: &str, of: Level) -> bool {
    !written(level, profile, &[(target, of, "x")]).is_empty()
}

#[test]
fn access_lines_have_no_prefix_and_keep_their_colours() {
    let line = "\u{1b}[0mPOST /login \u{1b}[32m200\u{1b}[0m 3.121 ms - 54\u{1b}[0m";
    for level in [LevelFilter::Off, LevelFilter::Trace] {
        let lines = [(ACCESS, Level::Info, line)];
        assert_eq!(
            written(level, Profile::Production, &lines),
            [format!("{line}\n")]
        );
    }
}

#[test]
fn bodies_are_shown_in_development_only() {
    let lines = [(BODY, Level::Info, "{ code: 'x',\n  app: 'y' }")];
    for level in [LevelFilter::Off, LevelFilter::Trace] {
        assert_eq!(
            written(level, Profile::Development, &lines),
            ["{ code: 'x',\n  app: 'y' }\n"]
        );
        assert_eq!(written(level, Profile::Production, &lines), [""; 0]);
        assert!(!passes(level, Profile::Production, BODY, Level::Error));
    }
}

#[test]
fn other_lines_have_time_level_and_target() {
    let lines = [("weapp_login::login", Level::Warn, "WeChat is slow")];
    let written = written(LevelFilter::Info, Profile::Production, &lines);
    let (time, rest) = written[0].split_once(' ').unwrap();
    assert_eq!(rest, "WARN  weapp_login::login WeChat is slow\n");
    assert_eq!(time.len(), "2026-11-23T12:00:00.000Z".len());
    assert!(
        time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'),
        "{time}"
    );
}

#[test]
fn a_line_cannot_be_forged() {
    let text = "a\nb\r\nc\u{1b}[31m\0\t\u{7f}\u{9b}\u{202e}\u{2028}\u{2066}登录";
    let written = written(
        LevelFilter::Info,
        Profile::Production,
        &[("weapp_login", Level::Info, text)],
    );
    assert_eq!(written.len(), 1, "one write per line");
    assert!(
        written[0].ends_with(
            " a\\nb\\r\\nc\\u{1b}[31m\\u{0}\\t\\u{7f}\\u{9b}\\u{202e}\\u{2028}\\u{2066}登录\n"
        ),
        "{written:?}"
    );
    assert_eq!(written[0].matches('\n').count(), 1);
}

#[test]
fn the_level_applies_to_our_crate() {
    let ours = |level, of| passes(level, Profile::Production, "weapp_login::store", of);
    assert!(ours(LevelFilter::Info, Level::Info) && !ours(LevelFilter::Info, Level::Debug));
    assert!(ours(LevelFilter::Trace, Level::Trace));
    assert!(!ours(LevelFilter::Off, Level::Error));
    assert!(ours(LevelFilter::Error, Level::Error) && !ours(LevelFilter::Error, Level::Warn));
}

#[test]
fn other_crates_log_warnings_at_most() {
    let theirs = |level, target, of| passes(level, Profile::Development, target, of);
    for target in [
        "reqwest::connect",
        "hyper_util::client",
        "rustls::client",
        "mio::poll",
        "actix_server::builder",
        "h2",
    ] {
        assert!(!theirs(LevelFilter::Trace, target, Level::Info), "{target}");
        assert!(theirs(LevelFilter::Trace, target, Level::Warn), "{target}");
        assert!(!theirs(LevelFilter::Error, target, Level::Warn), "{target}");
        assert!(!theirs(LevelFilter::Off, target, Level::Error), "{target}");
    }
    assert!(!theirs(
        LevelFilter::Trace,
        "actix_http::h1::dispatcher",
        Level::Error
    ));
}

/// Returns `true` if a line passes with these levels of single targets.
fn passes_with(targets: &[(Option<&str>, LevelFilter)], target: &str, of: Level) -> bool {
    let target_of = |(name, level): &(Option<&str>, LevelFilter)| LogTarget {
        name: name.map(str::to_owned),
        level: *level,
    };
    let targets: Vec<_> = targets.iter().map(target_of).collect();
    let options = Options {
        targets: &targets,
        ..options(LevelFilter::Info, Profile::Production)
    };
    let lines = logged(&options, |logger| {
        let mut record = Record::builder();
        record.target(target).level(of);
        logger.log(&record.args(format_args!("x")).build());
    });
    !lines.is_empty()
}

#[test]
fn a_target_can_have_its_own_level() {
    let store = [(Some("weapp_login::store"), LevelFilter::Debug)];
    assert!(passes_with(
        &store,
        "weapp_login::store::sqlite",
        Level::Debug
    ));
    assert!(!passes_with(&store, "weapp_login::login", Level::Debug));
    let server = [(Some("actix_server"), LevelFilter::Info)];
    assert!(passes_with(&server, "actix_server::builder", Level::Info));
    let ours = [(None, LevelFilter::Error)];
    assert!(!passes_with(&ours, "weapp_login", Level::Warn));
    assert!(passes_with(&ours, ACCESS, Level::Info));
}

#[test]
fn no_setting_makes_http_crates_log_secrets() {
    for name in [
        "reqwest",
        "hyper",
        "hyper_util",
        "h2",
        "rustls",
        "tokio_postgres",
        "actix_http",
        "actix_web",
    ] {
        for targets in [
            [(Some(name), LevelFilter::Trace)],
            [(None, LevelFilter::Trace)],
        ] {
            let module = format!("{name}::connect");
            assert!(!passes_with(&targets, name, Level::Info), "{name}");
            assert!(!passes_with(&targets, &module, Level::Debug), "{name}");
        }
        assert!(passes_with(
            &[(Some(name), LevelFilter::Trace)],
            name,
            Level::Warn
        ));
    }
    let body = [(Some(BODY), LevelFilter::Trace)];
    assert!(
        !passes_with(&body, BODY, Level::Error),
        "never in production"
    );
}

#[test]
fn json_lines_are_one_object_with_the_records_own_fields() {
    let json = Options {
        style: LogStyle::Json,
        ..options(LevelFilter::Info, Profile::Production)
    };
    let lines = logged(&json, |logger| {
        let fields = [
            ("path", log::kv::Value::from("/sessions/{id}")),
            ("status", log::kv::Value::from(503_u16)),
            ("ms", log::kv::Value::from(1.25)),
            ("errcode", log::kv::Value::from(-1_i64)),
            ("late", log::kv::Value::from(true)),
            ("absent", log::kv::Value::null()),
        ];
        let mut record = Record::builder();
        record.target(ACCESS).level(Level::Info).key_values(&fields);
        logger.log(&record.args(format_args!("GET \"x\"\n\u{1b}[0m论")).build());
    });
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(line.matches('\n').count(), 1, "{line:?}");
    let mut object: serde_json::Value = serde_json::from_str(line).unwrap();
    let time = object["time"].take();
    assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert_eq!(
        object,
        serde_json::json!({
            "time": null, "level": "INFO", "target": "access",
            "message": "GET \"x\"\n\u{1b}[0m论",
            "path": "/sessions/{id}", "status": 503, "ms": 1.25, "errcode": -1, "late": true,
        })
    );
}

#[test]
fn a_second_initialization_is_an_error() {
    let options = options(LevelFilter::Off, Profile::Production);
    let first = init(&options);
    assert!(matches!(init(&options), Err(InitError::Twice)));
    if let Ok(telemetry) = first {
        telemetry.flush().unwrap();
        assert_eq!(telemetry.dropped(), 0);
    }
}
