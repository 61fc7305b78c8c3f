//! Builds a value from JSON text as V8 understands it, and no more of it than is asked for.
//!
//! Knows what V8 takes that `serde_json` refuses: halves of surrogate pairs, numbers beyond the
//! range, repeated members. Never judges syntax: the text was found to be JSON before.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserializer;
use serde::de::value::{
    CowStrDeserializer, MapAccessDeserializer, MapDeserializer, SeqDeserializer,
};
use serde::de::{self, DeserializeOwned, IntoDeserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::middleware::json::escapes::unescape;

/// The text is JSON, but not what was asked for. Bears no message, because it would show the value.
#[derive(Debug)]
pub(super) struct Unfit;

/// Builds a `T` from one JSON value without white space around it.
pub(super) fn build<T: DeserializeOwned>(text: &str) -> Result<T, Unfit> {
    T::deserialize(Node {
        text,
        room: MOST_LEVELS,
    })
}

/// How deep a value may be nested that is really built: the limit of `serde_json`, which leaves
/// ample stack.
const MOST_LEVELS: u8 = 128;

/// One value in the text.
#[derive(Clone, Copy)]
struct Node<'de> {
    text: &'de str,
    /// How many levels deeper it may still go.
    room: u8,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value is of another shape than was asked for")
    }
}

impl std::error::Error for Unfit {}

impl de::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl From<serde_json::Error> for Unfit {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl<'de> Node<'de> {
    fn deeper(self) -> Result<u8, Unfit> {
        self.room.checked_sub(1).ok_or(Unfit)
    }

    fn is_array(self) -> bool {
        self.text.starts_with('[')
    }

    fn elements(self) -> Result<impl Iterator<Item = Self>, Unfit> {
        let room = self.deeper()?;
        let split: Vec<&'de RawValue> = serde_json::from_str(self.text)?;
        Ok(split.into_iter().map(move |element| Self {
            text: element.get(),
            room,
        }))
    }

    /// The members with a wanted name, each once: at its first place, with its last value.
    fn members(
        self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<impl Iterator<Item = (Cow<'de, str>, Self)>, Unfit> {
        let room = self.deeper()?;
        let mut members: Vec<(Cow<'de, str>, Self)> = Vec::new();
        let mut places: HashMap<Cow<'de, str>, usize> = HashMap::new();
        let Split(split) = serde_json::from_str(self.text)?;
        for (name, value) in split {
            let name = unescape(name);
            if !wanted(&name) {
                continue;
            }
            let node = Self { text: value, room };
            let place = *places.entry(name.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some(member) => member.1 = node,
                None => members.push((name, node)),
            }
        }
        Ok(members.into_iter())
    }

    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        if let Ok(number) = self.text.parse::<u64>() {
            visitor.visit_u64(number)
        } else if let (Ok(number), false) = (self.text.parse::<i64>(), self.text == "-0") {
            visitor.visit_i64(number)
        } else {
            // Beyond the range this is infinity, as in V8.
            visitor.visit_f64(self.text.parse().map_err(|_error| Unfit)?)
        }
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.text.as_bytes().first() {
            Some(b'{') => {
                let members = self.members(|_| true)?;
                visitor.visit_map(MapDeserializer::new(members))
            }
            Some(b'[') => visitor.visit_seq(SeqDeserializer::new(self.elements()?)),
            Some(b'"') => match unescape(self.text) {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b't') => visitor.visit_bool(true),
            Some(b'f') => visitor.visit_bool(false),
            Some(b'n') => visitor.visit_unit(),
            _ => self.number(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        if self.text == "null" {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    /// An array has no members, as `[].code` is `undefined` in a script.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        let node = if self.is_array() {
            Self { text: "{}", ..self }
        } else {
            self
        };
        if !node.text.starts_with('{') {
            return node.deserialize_any(visitor);
        }
        let members = node.members(|name| fields.contains(&name))?;
        visitor.visit_map(MapDeserializer::new(members))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        match self.text.as_bytes().first() {
            Some(b'"') => {
                let variant: CowStrDeserializer<'_, Unfit> =
                    unescape(self.text).into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            Some(b'{') => {
                let members = MapDeserializer::new(self.members(|_| true)?);
                MapAccessDeserializer::new(members).deserialize_enum(name, variants, visitor)
            }
            _ => Err(Unfit),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

impl<'de> IntoDeserializer<'de, Unfit> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// An object taken apart: the names, still in quotes, and the values, still as text.
struct Split<'de>(Vec<(&'de str, &'de str)>);

impl<'de> de::Deserialize<'de> for Split<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Split<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    members.push((name.get(), value.get()));
                }
                Ok(Split(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
