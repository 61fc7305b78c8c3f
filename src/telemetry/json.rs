//! A log line for machines: one JSON object, ended by a line feed.
//!
//! Knows which members every line has; the others are the record's own. Never knows what they mean.

use std::fmt;
use std::io::{self, Write as _};

use env_logger::fmt::Formatter;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::telemetry::{LOSS, TARGET, now};

/// Puts a whole line into the buffer, which is then handed over at once.
pub(super) fn write(buffer: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *buffer, &Line(record))?;
    buffer.write_all(b"\n")
}

/// The line that tells how many lines were dropped.
pub(super) fn loss(lines: u64) -> String {
    let line = serde_json::json!({
        "time": format!("{:.3}", now()),
        "level": "WARN",
        "target": TARGET,
        "message": format!("{lines} {LOSS}"),
    });
    format!("{line}\n")
}

struct Line<'a>(&'a Record<'a>);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &format_args!("{:.3}", now()))?;
        map.serialize_entry("level", self.0.level().as_str())?;
        map.serialize_entry("target", self.0.target())?;
        map.serialize_entry("message", self.0.args())?;
        let mut members = Members(Vec::new());
        // The visitor below refuses nothing.
        self.0.key_values().visit(&mut members).unwrap_or_default();
        for (key, value) in &members.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The record's own members, in the order in which they were given.
struct Members(Vec<(String, serde_json::Value)>);

impl<'a> VisitSource<'a> for Members {
    fn visit_pair(&mut self, key: Key<'a>, value: Value<'a>) -> Result<(), Error> {
        let mut kind = Kind(serde_json::Value::Null);
        value.visit(&mut kind)?;
        if !kind.0.is_null() {
            self.0.push((key.as_str().to_owned(), kind.0));
        }
        Ok(())
    }
}

/// Numbers and truth values stay what they are; anything else is its text. What is absent is left out.
struct Kind(serde_json::Value);

impl VisitValue<'_> for Kind {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = text(&value);
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }
}

fn text(value: &dyn fmt::Display) -> serde_json::Value {
    serde_json::Value::String(value.to_string())
}
