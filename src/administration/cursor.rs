//! The position between two pages of users, as an opaque text.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::identity::UserId;
use crate::store::UserPosition;

/// The position between two pages of users. Users who are created later are on none of the pages that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(super) UserPosition);

impl Cursor {
    /// Parses a cursor as it is shown. `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, id) = bytes.split_first_chunk()?;
        Some(Self(UserPosition {
            created_at: Timestamp::from_millisecond(i64::from_be_bytes(*time)).ok()?,
            id: UserId(id.try_into().ok()?),
        }))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.created_at.as_millisecond().to_be_bytes();
        f.write_str(&URL_SAFE_NO_PAD.encode([&time[..], &self.0.id.0].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_parses_to_itself_and_other_texts_do_not_parse() {
        let cursor = Cursor(UserPosition {
            created_at: Timestamp::from_millisecond(1_800_000_000_123).unwrap(),
            id: UserId([7; 16]),
        });
        let mut shown = cursor.to_string();
        assert_eq!(Cursor::parse(&shown), Some(cursor));
        for text in [
            "",
            "x",
            &shown.split_off(1),
            &format!("{shown}AA"),
            &"_".repeat(31),
            "é",
        ] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
