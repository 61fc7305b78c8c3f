//! Where log lines go, and what each looks like.
//!
//! Knows the stream, the prefix, whose lines may pass, and how to keep a line one line.
//! Never knows what a line means.
//!
//! All lines go to standard output: one stream keeps their order, and it is the one that `docker logs` and `kubectl logs`
//! are read for. Standard error is left to what ends the process. `RUST_LOG` is deliberately not read: at `debug`, the
//! HTTP client's lines show URLs, and WeChat's URLs bear the AppSecret.

#[cfg(test)]
mod tests;

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use env_logger::fmt::Formatter;
use env_logger::{Builder, Target, WriteStyle};
use jiff::Timestamp;
use log::{LevelFilter, Record, SetLoggerError};

use crate::settings::Profile;

/// The target of the access log's lines, which are printed as they come, whatever the level.
pub const ACCESS: &str = "access";
/// The target of the lines that show a received body: printed as they come in development, and never in production.
pub const BODY: &str = "body";

const OURS: &str = env!("CARGO_CRATE_NAME");

/// Sets up the log: our own lines down to `level`, other crates' from `warn` upwards.
///
/// # Errors
/// [`SetLoggerError`] if there is a logger already; that one stays.
pub fn init(level: LevelFilter, profile: Profile) -> Result<(), SetLoggerError> {
    builder(level, profile).target(Target::Stdout).try_init()
}

/// Waits until all lines are with the operating system. Lines are written at once, so this is quick.
///
/// # Errors
/// [`io::Error`] if standard output cannot be written to.
pub fn flush() -> io::Result<()> {
    log::logger().flush();
    io::stdout().flush()
}

fn builder(level: LevelFilter, profile: Profile) -> Builder {
    let body = match profile {
        Profile::Development => LevelFilter::Info,
        Profile::Production => LevelFilter::Off,
    };
    let mut builder = Builder::new();
    builder
        // A rule for all other crates, so that none that joins later can show a URL with a secret.
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module(OURS, level)
        // Every client that goes away is an error to it.
        .filter_module("actix_http", LevelFilter::Off)
        .filter_module(ACCESS, LevelFilter::Info)
        .filter_module(BODY, body)
        // The access log decides about its colours itself; they pass into pipes too.
        .write_style(WriteStyle::Always)
        .format(write_line);
    builder
}

/// Puts a whole line into the buffer, which is then written at once.
fn write_line(buffer: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    if matches!(record.target(), ACCESS | BODY) {
        return writeln!(buffer, "{}", record.args());
    }
    let mut line = String::new();
    let (now, level, target) = (now(), record.level(), record.target());
    write!(line, "{now:.3} {level:<5} {target} ").map_err(io::Error::other)?;
    write!(OneLine(&mut line), "{}", record.args()).map_err(io::Error::other)?;
    writeln!(buffer, "{line}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a log line bears the time at which it was written"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Escapes what could end a line, steer a terminal or turn the reading direction: nobody can forge a line.
struct OneLine<'a>(&'a mut String);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if steers(letter) {
                self.0.extend(letter.escape_default());
            } else {
                self.0.push(letter);
            }
        }
        Ok(())
    }
}

fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
