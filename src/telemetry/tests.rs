//! What reaches the log's stream, and in which form.

use std::io;
use std::sync::{Arc, Mutex};

use env_logger::Target;
use log::{Level, LevelFilter, Log, Record};

use crate::settings::Profile;
use crate::telemetry::{ACCESS, BODY, builder, flush, init};

/// Keeps each write apart.
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

fn written(level: LevelFilter, profile: Profile, lines: &[(&str, Level, &str)]) -> Vec<String> {
    let writes = Writes::default();
    let pipe = Target::Pipe(Box::new(writes.clone()));
    let logger = builder(level, profile).target(pipe).build();
    for (target, level, text) in lines {
        let mut record = Record::builder();
        record.target(target).level(*level);
        logger.log(&record.args(format_args!("{text}")).build());
    }
    writes.0.lock().unwrap().clone()
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
fn other_lines_say_when_how_bad_and_where() {
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
fn the_level_is_for_our_own_lines() {
    let ours = |level, of| passes(level, Profile::Production, "weapp_login::store", of);
    assert!(ours(LevelFilter::Info, Level::Info) && !ours(LevelFilter::Info, Level::Debug));
    assert!(ours(LevelFilter::Trace, Level::Trace));
    assert!(!ours(LevelFilter::Off, Level::Error));
    assert!(ours(LevelFilter::Error, Level::Error) && !ours(LevelFilter::Error, Level::Warn));
}

#[test]
fn other_crates_show_no_more_than_warnings() {
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

#[test]
fn a_second_setup_is_an_error_and_no_panic() {
    drop(init(LevelFilter::Off, Profile::Production));
    assert!(init(LevelFilter::Off, Profile::Production).is_err());
    assert!(flush().is_ok());
}
