//! The JSON style: one object per line, with the record's own fields after the common ones.

use std::fmt;
use std::io::{self, Write as _};

use env_logger::fmt::Formatter;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::telemetry::line::now;

/// Writes a record as one line.
pub(super) fn write(buffer: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *buffer, &Line(record))?;
    buffer.write_all(b"\n")
}

struct Line<'a>(&'a Record<'a>);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &now())?;
        map.serialize_entry("level", self.0.level().as_str())?;
        map.serialize_entry("target", self.0.target())?;
        map.serialize_entry("message", self.0.args())?;
        let mut fields = Fields(Vec::new());
        // The visitor never fails.
        self.0.key_values().visit(&mut fields).unwrap_or_default();
        for (key, value) in &fields.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The record's own fields, in their order.
struct Fields(Vec<(String, serde_json::Value)>);

impl<'a> VisitSource<'a> for Fields {
    fn visit_pair(&mut self, key: Key<'a>, value: Value<'a>) -> Result<(), Error> {
        let mut json = JsonValue(serde_json::Value::Null);
        value.visit(&mut json)?;
        if !json.0.is_null() {
            self.0.push((key.as_str().to_owned(), json.0));
        }
        Ok(())
    }
}

/// Converts a value: numbers and booleans stay as they are, other values become text, and null is left out.
struct JsonValue(serde_json::Value);

impl VisitValue<'_> for JsonValue {
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
