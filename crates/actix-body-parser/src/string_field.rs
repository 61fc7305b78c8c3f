//! A field that should be a string.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A field that should be a string. A value of another type is accepted, so that the handler can report it by itself, but is
/// not kept.
///
/// Use it with `#[serde(default)]`, so that a missing field is [`StringField::Missing`].
#[derive(Clone, PartialEq, Eq, Default)]
pub enum StringField {
    /// The object has no such field.
    #[default]
    Missing,
    /// The field is this string.
    String(String),
    /// The field is `null`, a number, a boolean, an array or an object.
    OtherType,
}

/// Shows the variant and the length only: the string may be a secret.
impl fmt::Debug for StringField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("Missing"),
            Self::String(text) => write!(f, "String({} bytes)", text.len()),
            Self::OtherType => f.write_str("OtherType"),
        }
    }
}

impl<'de> Deserialize<'de> for StringField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = StringField;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<StringField, E> {
        Ok(StringField::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<StringField, E> {
        Ok(StringField::String(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<StringField, E> {
        Ok(StringField::OtherType)
    }

    fn visit_i64<E>(self, _: i64) -> Result<StringField, E> {
        Ok(StringField::OtherType)
    }

    fn visit_u64<E>(self, _: u64) -> Result<StringField, E> {
        Ok(StringField::OtherType)
    }

    fn visit_f64<E>(self, _: f64) -> Result<StringField, E> {
        Ok(StringField::OtherType)
    }

    fn visit_unit<E>(self) -> Result<StringField, E> {
        Ok(StringField::OtherType)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<StringField, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(StringField::OtherType)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<StringField, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(StringField::OtherType)
    }
}
