//! Splits valid JSON into the texts of its values, one level at a time, with a loop rather than recursion.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::handlers::console_log::text;

/// Removes the white space around a value. A missing body is `{}`.
pub(super) fn trimmed(text: &str) -> &str {
    match text.trim_matches([' ', '\t', '\n', '\r']) {
        "" => "{}",
        value => value,
    }
}

/// Returns the elements of an array.
pub(super) fn elements(array: &str) -> Vec<&str> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).unwrap_or_default();
    elements.into_iter().map(RawValue::get).collect()
}

/// Returns the fields of an object in the order of JavaScript: array indices come first, in ascending order. A repeated field
/// has its first position and its last value. Names are in UTF-16.
pub(super) fn fields(object: &str) -> Vec<(Vec<u16>, &str)> {
    let Fields(raw) = serde_json::from_str(object).unwrap_or_default();
    let mut fields: Vec<(Vec<u16>, &str)> = Vec::new();
    let mut positions: HashMap<Vec<u16>, usize> = HashMap::new();
    for (name, value) in raw {
        let name = text::units(name);
        let position = *positions.entry(name.clone()).or_insert(fields.len());
        match fields.get_mut(position) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    fields.sort_by(|(a, _), (b, _)| match (array_index(a), array_index(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    fields
}

fn array_index(name: &[u16]) -> Option<u32> {
    let name = text::decoded(name);
    let index: u32 = name.parse().ok()?;
    (index != u32::MAX && index.to_string() == name).then_some(index)
}

#[derive(Default)]
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    fields.push((name.get(), value.get()));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}
