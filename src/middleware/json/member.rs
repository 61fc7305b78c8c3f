//! A member of a body that should be a text.
//!
//! Knows the three things that a handler asks: is it there, is it a text, which one.
//! Never builds a value of another kind, so it costs no stack however deep that is nested.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A member that should be a text; what else the client may have sent is told apart, not built.
///
/// Use it with `#[serde(default)]`, so that a missing member is [`Text::Absent`].
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Text {
    /// There is no such member.
    #[default]
    Absent,
    /// The member is this text.
    Text(String),
    /// The member is there, but is `null`, a number, a truth value, an array or an object.
    OtherKind,
}

/// Tells the kind and the length only: the text may be a code.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::OtherKind => f.write_str("OtherKind"),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Kinds)
    }
}

struct Kinds;

impl<'de> Visitor<'de> for Kinds {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text::Text(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text::OtherKind)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
        Ok(Text::OtherKind)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
        Ok(Text::OtherKind)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text::OtherKind)
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::OtherKind)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Text, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::OtherKind)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Text, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::OtherKind)
    }
}
