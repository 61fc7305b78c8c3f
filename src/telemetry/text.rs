//! The text style: a prefix with time, level and target, and the message on one line.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use env_logger::fmt::Formatter;
use log::Record;

use crate::telemetry::line::{ACCESS, BODY, now};

/// Writes a record as one line.
pub(super) fn write(buffer: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    if matches!(record.target(), ACCESS | BODY) {
        return writeln!(buffer, "{}", record.args());
    }
    let mut line = String::new();
    let (now, level, target) = (now(), record.level(), record.target());
    write!(line, "{now} {level:<5} {target} ").map_err(io::Error::other)?;
    write!(OneLine(&mut line), "{}", record.args()).map_err(io::Error::other)?;
    writeln!(buffer, "{line}")
}

/// Escapes characters that could end the line, control a terminal or change the reading direction, so that no value can
/// forge a line.
struct OneLine<'a>(&'a mut String);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if is_unsafe(letter) {
                self.0.extend(letter.escape_default());
            } else {
                self.0.push(letter);
            }
        }
        Ok(())
    }
}

fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
