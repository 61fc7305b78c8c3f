//! Where log lines go, whose may pass, and what each looks like.
//!
//! Knows the stream, the levels and the two styles: `text` for people, `json` for machines. `lines` has the thread that
//! writes. Never knows what a line means.
//!
//! All lines go to standard output: one stream keeps their order, and it is the one that `docker logs` and `kubectl logs`
//! are read for. Standard error is left to what ends the process. Whatever `RUST_LOG` says, the crates that speak HTTP show
//! no more than warnings: below that they show URLs and headers, and WeChat's URLs bear the `AppSecret`.

mod json;
mod lines;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::panic;
use std::time::Duration;

use env_logger::{Builder, Logger, Target, WriteStyle};
use jiff::Timestamp;
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::settings::{LogStyle, LogTarget, Profile};
use crate::telemetry::lines::Lines;

/// The target of the access log's lines, which are printed as they come, whatever the level.
pub const ACCESS: &str = "access";
/// The target of the lines that show a received body: printed as they come in development, and never in production.
pub const BODY: &str = "body";

/// The target of what the log says of itself.
const TARGET: &str = module_path!();
/// What became of so many lines.
const LOSS: &str = "log lines were dropped, because nobody read them in time";

const OURS: &str = env!("CARGO_CRATE_NAME");

/// Crates that show URLs or headers below `warn`, and with them secrets.
const TALKATIVE: [&str; 7] = [
    "reqwest",
    "hyper",
    "hyper_util",
    "h2",
    "rustls",
    "actix_http",
    "actix_web",
];

/// How long the way out waits for a stream that takes nothing. Our choice.
const FLUSH: Duration = Duration::from_secs(2);

/// What is logged, and how.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How much our own crate says.
    pub level: LevelFilter,
    /// Targets with levels of their own; the last one counts.
    pub targets: &'a [LogTarget],
    /// For people or for machines.
    pub style: LogStyle,
    /// Whether received bodies may be shown.
    pub profile: Profile,
}

/// The log of this process, once it is set up.
#[derive(Clone)]
pub struct Telemetry(Lines);

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a logger already; that one stays.
    #[error("the log was set up before")]
    Twice,
    /// The system gave no thread for the writer.
    #[error("the log has no thread to write on")]
    NoThread(#[source] io::Error),
}

/// Sets up the log of the process: lines go to standard output, on a thread of their own.
///
/// # Errors
/// [`InitError`] if that was done before, or cannot be done.
pub fn init(options: &Options<'_>) -> Result<Telemetry, InitError> {
    let loss = match options.style {
        LogStyle::Text => text::loss,
        LogStyle::Json => json::loss,
    };
    let lines = Lines::start(io::stdout(), loss).map_err(InitError::NoThread)?;
    let pipe = Target::Pipe(Box::new(lines.clone()));
    let logger = builder(options).target(pipe).build();
    let most = logger.filter();
    log::set_boxed_logger(Box::new(Guarded(logger))).map_err(|_twice| InitError::Twice)?;
    log::set_max_level(most);
    flush_at_panic(lines.clone());
    Ok(Telemetry(lines))
}

impl Telemetry {
    /// Waits until all lines are with the operating system, at most 2 seconds.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if standard output takes nothing.
    pub fn flush(&self) -> io::Result<()> {
        self.0.flush_within(FLUSH)
    }

    /// How many lines were lost since the start, because nobody read them in time.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

/// Lets no talkative crate say more than a warning, whoever asked for it.
struct Guarded(Logger);

impl Log for Guarded {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (metadata.level() <= Level::Warn || !is_talkative(metadata.target()))
            && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() <= Level::Warn || !is_talkative(record.target()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

fn is_talkative(target: &str) -> bool {
    let is_in = |name: &&str| {
        let rest = target.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    TALKATIVE.iter().any(is_in)
}

/// A process that panics may end, and its last lines are those that are wanted most.
fn flush_at_panic(lines: Lines) {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        tell(panic);
        // Whoever waits for a stream that takes nothing learns no more by waiting longer.
        lines.flush_within(FLUSH).unwrap_or_default();
    }));
}

fn builder(options: &Options<'_>) -> Builder {
    let mut builder = Builder::new();
    // Every client that goes away is an error to it.
    builder.filter_module("actix_http", LevelFilter::Off);
    level_of_ours(&mut builder, options.level);
    for LogTarget { name, level } in options.targets {
        match name {
            Some(name) => {
                builder.filter_module(name, *level);
            }
            None => level_of_ours(&mut builder, *level),
        }
    }
    let body = match options.profile {
        Profile::Development => LevelFilter::Info,
        Profile::Production => LevelFilter::Off,
    };
    builder
        .filter_module(ACCESS, LevelFilter::Info)
        .filter_module(BODY, body)
        // The access log decides about its colours itself; they pass into pipes too.
        .write_style(WriteStyle::Always)
        .format(match options.style {
            LogStyle::Text => text::write,
            LogStyle::Json => json::write,
        });
    builder
}

/// With it, all other crates show warnings at most.
fn level_of_ours(builder: &mut Builder, level: LevelFilter) {
    builder
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module(OURS, level);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a log line bears the time at which it was written"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
