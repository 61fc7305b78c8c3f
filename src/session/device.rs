//! How a user tells their sessions apart: a public name for each, and what it was opened on.
//!
//! Knows that both are shown to their owner. Never knows how a device was recognised.

use std::fmt;

use crate::identity::{Hex, shown_bytes};
use crate::session::CryptoError;

/// A session's public name: 16 random bytes, shown as 32 hexadecimal digits. It opens nothing, and has nothing to do
/// with the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Makes a name that no other session has.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(CryptoError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Reads a name as it was shown. `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        shown_bytes(text).map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Hex::of(self.0).as_str())
    }
}

/// The longest description of a device, in characters. Our choice: more does not fit into a line of a phone's screen.
const MAX_CHARACTERS: usize = 80;

/// What a session was opened on, in a few words for its owner, such as `iPhone · WeChat 8.0.50 · iOS 17.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// Takes a description: without its control characters, and cut if it is too long.
    pub fn new(description: &str) -> Self {
        let shown = description.chars().filter(|letter| !letter.is_control());
        Self(shown.take(MAX_CHARACTERS).collect())
    }

    /// One of which nothing is known.
    pub fn unknown() -> Self {
        Self("unknown device".to_owned())
    }

    /// The description.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_comes_back_as_itself_and_nothing_else_is_one() {
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
