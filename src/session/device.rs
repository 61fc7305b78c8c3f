//! The public id and the device description of a session, by which its user recognizes it.

use std::fmt;

use crate::identity::{parse_hex, write_hex};
use crate::session::seal::{CryptoError, random_bytes};

/// A session's public id: 16 random bytes, shown as 32 hexadecimal digits. Independent of the token and no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Generates a random id.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none.
    pub fn generate() -> Result<Self, CryptoError> {
        random_bytes().map(Self)
    }

    /// Parses an id as it is shown. `None` if the text has another shape.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.0)
    }
}

/// Maximum length of a description, in characters. Our choice: one line on a phone's screen.
const MAX_CHARACTERS: usize = 80;

/// Description of a device for the session's owner, such as `iPhone · WeChat 8.0.50 · iOS 17.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// Keeps the description without control characters, truncated to 80 characters.
    pub fn new(description: &str) -> Self {
        let shown = description.chars().filter(|letter| !letter.is_control());
        Self(shown.take(MAX_CHARACTERS).collect())
    }

    /// Returns the description of an unidentified device.
    pub fn unknown() -> Self {
        Self("unknown device".to_owned())
    }

    /// Returns the description.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_parses_to_itself_and_other_texts_do_not_parse() {
        let id = SessionId::generate().unwrap();
        assert_eq!(SessionId::parse(&id.to_string()), Some(id));
        let shown = "0123456789abcdef0123456789abcdef";
        assert!(SessionId::parse(shown).is_some());
        for text in [
            "",
            "0123456789abcdef0123456789abcde",
            "0123456789ABCDEF0123456789abcdef",
            "+123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdeé",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(SessionId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_description_is_bounded_and_has_no_control_characters() {
        assert_eq!(Device::new("a\u{1b}[31m\r\nb\u{9b}c").as_str(), "a[31mbc");
        assert_eq!(Device::new(&"机".repeat(200)).as_str(), "机".repeat(80));
    }
}
