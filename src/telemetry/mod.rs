//! The process's log: its levels, its text and JSON styles, and the thread that writes it.
//!
//! All lines go to standard output, which keeps their order and is what `docker logs` and `kubectl logs` show. Standard
//! error only gets the error that ends the process. The HTTP crates log warnings at most despite `RUST_LOG`: more
//! verbose levels print URLs and headers, and platforms' URLs contain secrets.

#[cfg(test)]
mod full_disk_tests;
mod json;
mod line;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod writer;

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::panic;
use std::time::Duration;

use env_logger::{Builder, Logger, Target, WriteStyle};
use log::{Level, LevelFilter, Log, Metadata, Record};

pub use crate::telemetry::line::{ACCESS, AUDIT, BODY, REJECTED};

use crate::settings::{LogStyle, LogTarget, Profile, Settings};
use crate::telemetry::writer::LogWriter;

const OURS: &str = env!("CARGO_CRATE_NAME");

/// Crates that log URLs, headers or parameters of statements, and with them secrets, at levels below `warn`.
const VERBOSE: [&str; 8] = [
    "reqwest",
    "hyper",
    "hyper_util",
    "h2",
    "rustls",
    "tokio_postgres",
    "actix_http",
    "actix_web",
];

/// Maximum time that a shutdown waits for a blocked standard output. Our choice.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Options of the log.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Level of our own crate.
    pub level: LevelFilter,
    /// Levels of single targets. The last match wins.
    pub targets: &'a [LogTarget],
    /// Text or JSON.
    pub style: LogStyle,
    /// Received bodies are shown in development only.
    pub profile: Profile,
}

impl<'a> From<&'a Settings> for Options<'a> {
    fn from(settings: &'a Settings) -> Self {
        Self {
            level: settings.log.level,
            targets: &settings.log.targets,
            style: settings.log.style,
            profile: settings.profile,
        }
    }
}

/// The initialized log of the process.
#[derive(Clone)]
pub struct Telemetry(LogWriter);

/// The reason why the log cannot be initialized.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The process has a logger already, which stays in use.
    #[error("the log is already initialized")]
    Twice,
    /// Standard output cannot be opened a second time.
    #[error("cannot open standard output for the log")]
    NoOutput(#[source] io::Error),
    /// The writer thread cannot be started.
    #[error("cannot start the log's writer thread")]
    NoThread(#[source] io::Error),
}

/// Initializes the log of the process, which a thread of its own writes to standard output.
///
/// # Errors
/// [`InitError`] if there is a logger already, or no thread can be started.
pub fn init(options: &Options<'_>) -> Result<Telemetry, InitError> {
    let report = |lines| {
        log::warn!("{lines} log lines were dropped because they could not be written in time");
    };
    let out = standard_output().map_err(InitError::NoOutput)?;
    let writer = LogWriter::start(out, report).map_err(InitError::NoThread)?;
    let pipe = Target::Pipe(Box::new(writer.clone()));
    let logger = builder(options).target(pipe).build();
    let max_level = logger.filter();
    log::set_boxed_logger(Box::new(Filtered(logger))).map_err(|_twice| InitError::Twice)?;
    log::set_max_level(max_level);
    flush_on_panic(writer.clone());
    Ok(Telemetry(writer))
}

impl Telemetry {
    /// Waits at most 2 seconds until all lines are written.
    ///
    /// # Errors
    /// The kind of the last error if standard output does not take the lines, as [`io::ErrorKind::StorageFull`] on a full disk;
    /// [`io::ErrorKind::TimedOut`] if it is blocked.
    pub fn flush(&self) -> io::Result<()> {
        self.0.flush_within(FLUSH_TIMEOUT)
    }

    /// Returns the number of lines dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

/// Returns standard output without the buffer of the standard library, which hides how much was written before an error.
fn standard_output() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Limits verbose crates to warnings.
struct Filtered(Logger);

impl Log for Filtered {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        (metadata.level() <= Level::Warn || !is_verbose(metadata.target()))
            && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() <= Level::Warn || !is_verbose(record.target()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

fn is_verbose(target: &str) -> bool {
    let is_in = |name: &&str| {
        let rest = target.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    VERBOSE.iter().any(is_in)
}

/// Flushes the log on a panic, because the process may end and its last lines matter most.
fn flush_on_panic(writer: LogWriter) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        // If standard output fails or is blocked, there is nothing more to do.
        if !writer.is_failing() {
            writer.flush_within(FLUSH_TIMEOUT).unwrap_or_default();
        }
    }));
}

fn builder(options: &Options<'_>) -> Builder {
    let mut builder = Builder::new();
    // It logs an error for every client that disconnects.
    builder.filter_module("actix_http", LevelFilter::Off);
    set_our_level(&mut builder, options.level);
    for LogTarget { name, level } in options.targets {
        match name {
            Some(name) => {
                builder.filter_module(name, *level);
            }
            None => set_our_level(&mut builder, *level),
        }
    }
    let body = match options.profile {
        Profile::Development => LevelFilter::Info,
        Profile::Production => LevelFilter::Off,
    };
    builder
        .filter_module(ACCESS, LevelFilter::Info)
        .filter_module(AUDIT, LevelFilter::Info)
        .filter_module(BODY, body)
        // The access log decides about its colors itself, also for pipes.
        .write_style(WriteStyle::Always)
        .format(match options.style {
            LogStyle::Text => text::write,
            LogStyle::Json => json::write,
        });
    builder
}

/// Sets the level of our crate. All other crates log warnings at most.
fn set_our_level(builder: &mut Builder, level: LevelFilter) {
    builder
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module(OURS, level);
}
