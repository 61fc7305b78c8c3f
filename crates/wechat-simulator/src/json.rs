//! WeChat's JSON: members in WeChat's order, and `/` written as `\/`.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A JSON object whose members stay in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object(Vec<(&'static str, Box<RawValue>)>);

impl Object {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An object that begins with `errcode` 0 and `errmsg` `ok`.
    pub(crate) fn ok() -> Self {
        Self::new().with("errcode", 0).with("errmsg", "ok")
    }

    /// The `watermark` of data about a user.
    pub(crate) fn watermark(timestamp: u64, app_id: &str) -> Self {
        let watermark = Self::new().with("timestamp", timestamp);
        watermark.with("appid", app_id)
    }

    /// Adds a member.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        // Texts, numbers, lists and objects of these cannot fail.
        self.0
            .extend(to_raw_value(&value).map(|value| (name, value)));
        self
    }

    /// Adds a member, if it has a value.
    #[must_use]
    pub(crate) fn with_some(self, name: &'static str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Returns the text as WeChat sends it. Slashes occur only in strings.
    pub(crate) fn to_wire(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        text.replace('/', r"\/")
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_in_order_and_slashes_are_escaped() {
        let inner = Object::new().with("z", "a/b\"\n").with("a", [1, 2]);
        let object = Object::ok().with("b", inner).with_some("x", None::<u8>);
        let expected = r#"{"errcode":0,"errmsg":"ok","b":{"z":"a\/b\"\n","a":[1,2]}}"#;
        assert_eq!(object.to_wire(), expected);
    }
}
