//! Deserializes a value from JSON text as `JSON.parse` does, and skips the fields that the type does not have.
//!
//! It accepts what `serde_json` rejects: unpaired surrogates, numbers out of range, and repeated fields. The text must be
//! valid JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserializer;
use serde::de::value::{
    CowStrDeserializer, MapAccessDeserializer, MapDeserializer, SeqDeserializer,
};
use serde::de::{self, DeserializeOwned, IntoDeserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json_string::unescape;

/// The value does not fit the type. It has no message, because a message would show the value.
#[derive(Debug)]
pub(crate) struct Mismatch;

/// Deserializes a `T` from one JSON value without white space around it.
pub(crate) fn deserialize<T: DeserializeOwned>(text: &str) -> Result<T, Mismatch> {
    T::deserialize(JsonValue {
        text,
        levels: MAX_LEVELS,
    })
}

/// Maximum nesting of a value that is deserialized: the limit of `serde_json`, which leaves ample stack.
const MAX_LEVELS: u8 = 128;

/// One value in the text.
#[derive(Clone, Copy)]
struct JsonValue<'de> {
    text: &'de str,
    /// Number of further levels that may be nested in it.
    levels: u8,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value does not fit the type")
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl From<serde_json::Error> for Mismatch {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl<'de> JsonValue<'de> {
    fn next_level(self) -> Result<u8, Mismatch> {
        self.levels.checked_sub(1).ok_or(Mismatch)
    }

    fn is_array(self) -> bool {
        self.text.starts_with('[')
    }

    fn elements(self) -> Result<impl Iterator<Item = Self>, Mismatch> {
        let levels = self.next_level()?;
        let raw: Vec<&'de RawValue> = serde_json::from_str(self.text)?;
        Ok(raw.into_iter().map(move |element| Self {
            text: element.get(),
            levels,
        }))
    }

    /// Returns all fields. A repeated field has its first position and its last value, as in JavaScript.
    fn fields(self) -> Result<impl Iterator<Item = (Cow<'de, str>, Self)>, Mismatch> {
        let levels = self.next_level()?;
        let mut fields: Vec<(Cow<'de, str>, Self)> = Vec::new();
        let mut positions: HashMap<Cow<'de, str>, usize> = HashMap::new();
        let RawFields(raw) = serde_json::from_str(self.text)?;
        for (name, text) in raw {
            let name = unescape(name);
            let value = Self { text, levels };
            let position = *positions.entry(name.clone()).or_insert(fields.len());
            match fields.get_mut(position) {
                Some(field) => field.1 = value,
                None => fields.push((name, value)),
            }
        }
        Ok(fields.into_iter())
    }

    /// Returns the fields that have one of these names. There are few, so a scan finds the repeated ones.
    fn fields_of_struct(
        self,
        names: &[&str],
    ) -> Result<impl Iterator<Item = (Cow<'de, str>, Self)> + use<'de>, Mismatch> {
        let levels = self.next_level()?;
        let mut fields: Vec<(Cow<'de, str>, Self)> = Vec::new();
        let RawFields(raw) = serde_json::from_str(self.text)?;
        for (name, text) in raw {
            let name = unescape(name);
            if !names.contains(&&*name) {
                continue;
            }
            let value = Self { text, levels };
            match fields.iter_mut().find(|(other, _)| *other == name) {
                Some(field) => field.1 = value,
                None => fields.push((name, value)),
            }
        }
        Ok(fields.into_iter())
    }

    fn number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if let Ok(number) = self.text.parse::<u64>() {
            visitor.visit_u64(number)
        } else if let (Ok(number), false) = (self.text.parse::<i64>(), self.text == "-0") {
            visitor.visit_i64(number)
        } else {
            // A number out of range is infinity, as in V8.
            visitor.visit_f64(self.text.parse().map_err(|_error| Mismatch)?)
        }
    }
}

impl<'de> Deserializer<'de> for JsonValue<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.text.as_bytes().first() {
            Some(b'{') => {
                let fields = self.fields()?;
                visitor.visit_map(MapDeserializer::new(fields))
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

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
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
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    /// An array reads as an object without fields, as `[].code` is `undefined` in JavaScript.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let value = if self.is_array() {
            Self { text: "{}", ..self }
        } else {
            self
        };
        if !value.text.starts_with('{') {
            return value.deserialize_any(visitor);
        }
        let found = value.fields_of_struct(fields)?;
        visitor.visit_map(MapDeserializer::new(found))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.text.as_bytes().first() {
            Some(b'"') => {
                let variant: CowStrDeserializer<'_, Mismatch> =
                    unescape(self.text).into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            Some(b'{') => {
                let fields = MapDeserializer::new(self.fields()?);
                MapAccessDeserializer::new(fields).deserialize_enum(name, variants, visitor)
            }
            _ => Err(Mismatch),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

impl<'de> IntoDeserializer<'de, Mismatch> for JsonValue<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The fields of an object, as raw JSON: quoted names and the texts of the values.
struct RawFields<'de>(Vec<(&'de str, &'de str)>);

impl<'de> de::Deserialize<'de> for RawFields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = RawFields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    fields.push((name.get(), value.get()));
                }
                Ok(RawFields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}
