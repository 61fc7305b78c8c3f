//! A log line for people.
//!
//! Knows the prefix, and how to keep a line one line. Never knows what a line means.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use env_logger::fmt::Formatter;
use log::Record;

use crate::telemetry::{ACCESS, BODY, LOSS, TARGET, now};

/// Puts a whole line into the buffer, which is then handed over at once.
pub(super) fn write(buffer: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    if matches!(record.target(), ACCESS | BODY) {
        return writeln!(buffer, "{}", record.args());
    }
    let mut line = String::new();
    let (now, level, target) = (now(), record.level(), record.target());
    write!(line, "{now:.3} {level:<5} {target} ").map_err(io::Error::other)?;
    write!(OneLine(&mut line), "{}", record.args()).map_err(io::Error::other)?;
    writeln!(buffer, "{line}")
}

/// The line that tells how many lines were dropped.
pub(super) fn loss(lines: u64) -> String {
    format!("{:.3} WARN  {TARGET} {lines} {LOSS}\n", now())
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
