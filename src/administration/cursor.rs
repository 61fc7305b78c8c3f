//! The positions between two pages of users or of conflicts, as opaque texts.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::identity::UserId;
use crate::store::{ConflictPosition, UserPosition};

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

/// The position between two pages of conflicts. Conflicts that are found later are on none of the pages that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictCursor(pub(super) ConflictPosition);

impl ConflictCursor {
    /// Parses a cursor as it is shown. `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (time, ids) = bytes.split_first_chunk()?;
        let (kept, other) = ids.split_first_chunk()?;
        Some(Self(ConflictPosition {
            found_at: Timestamp::from_millisecond(i64::from_be_bytes(*time)).ok()?,
            kept: UserId(*kept),
            other: UserId(other.try_into().ok()?),
        }))
    }
}

impl fmt::Display for ConflictCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.found_at.as_millisecond().to_be_bytes();
        let bytes = [&time[..], &self.0.kept.0, &self.0.other.0].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
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

    #[test]
    fn a_cursor_of_conflicts_parses_to_itself_and_other_texts_do_not_parse() {
        let cursor = ConflictCursor(ConflictPosition {
            found_at: Timestamp::from_millisecond(1_800_000_000_123).unwrap(),
            kept: UserId([7; 16]),
            other: UserId([8; 16]),
        });
        let shown = cursor.to_string();
        assert_eq!(ConflictCursor::parse(&shown), Some(cursor));
        let cut = shown.strip_suffix(|_last| true).unwrap();
        for text in ["", "x", cut, &format!("{shown}AA"), "é"] {
            assert_eq!(ConflictCursor::parse(text), None, "{text}");
        }
    }
}
