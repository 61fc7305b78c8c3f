//! Escapes a value so that it cannot break, hide or reorder its log line.

use std::fmt::Write;

/// Escapes as morgan does, and bidirectional control characters as well, which could make a line read as another one.
pub(crate) fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '"' | '\\' => escaped.extend(['\\', letter]),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                // Writing into a String cannot fail.
                write!(escaped, "\\u{:04x}", u32::from(letter)).ok();
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// Converts header bytes to text: one character per byte, as node does.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidirectional_characters_are_escaped() {
        assert_eq!(
            escape("a\"b\\c\td\r\n\u{8}\u{c}"),
            "a\\\"b\\\\c\\td\\r\\n\\b\\f"
        );
        assert_eq!(
            escape("\0\u{1b}[31m\u{7f}\u{85}\u{2028}"),
            "\\u0000\\u001b[31m\\u007f\\u0085\\u2028"
        );
        assert_eq!(
            escape("\u{202e}\u{2066}\u{200f}\u{61c}"),
            "\\u202e\\u2066\\u200f\\u061c"
        );
        assert_eq!(escape("café 论"), "café 论");
        assert_eq!(latin1(b"caf\xe9"), "café");
    }
}
