//! Decodes the bytes of a body. Invalid sequences become U+FFFD, as in Express.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The charset of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    /// In either byte order, detected from the byte order mark or the first characters.
    Utf16,
    Utf16Le,
    Utf16Be,
}

/// Decodes the bytes, and removes one byte order mark.
pub(crate) fn decode(bytes: &[u8], charset: Charset) -> String {
    let encoding = match charset {
        Charset::Utf8 => UTF_8,
        Charset::Utf16Le => UTF_16LE,
        Charset::Utf16Be => UTF_16BE,
        Charset::Utf16 => detect_byte_order(bytes),
    };
    let whole = if encoding == UTF_8 {
        bytes
    } else {
        // Express ignores an odd byte at the end.
        bytes.get(..bytes.len() & !1).unwrap_or(bytes)
    };
    let (text, _) = encoding.decode_with_bom_removal(whole);
    text.into_owned()
}

/// Number of code units to examine, as in Express's `iconv-lite`.
const EXAMINED_UNITS: usize = 100;

/// Returns the order of the byte order mark, or the one in which more of the first code units are ASCII.
fn detect_byte_order(bytes: &[u8]) -> &'static Encoding {
    if bytes.starts_with(&[0xFE, 0xFF]) {
        return UTF_16BE;
    }
    if bytes.starts_with(&[0xFF, 0xFE]) {
        return UTF_16LE;
    }
    let (mut little, mut big) = (0, 0);
    for unit in bytes.chunks_exact(2).take(EXAMINED_UNITS) {
        match unit {
            [0, 1..=255] => big += 1,
            [1..=255, 0] => little += 1,
            _ => {}
        }
    }
    if big > little { UTF_16BE } else { UTF_16LE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn the_byte_order_is_detected() {
        for order in [u16::to_be_bytes, u16::to_le_bytes] {
            assert_eq!(
                decode(&utf16("{\"a\":\"论\"}", order), Charset::Utf16),
                "{\"a\":\"论\"}"
            );
            assert_eq!(decode(&utf16("\u{feff}论", order), Charset::Utf16), "论");
        }
    }

    #[test]
    fn one_byte_order_mark_is_removed() {
        assert_eq!(decode("\u{feff}{}".as_bytes(), Charset::Utf8), "{}");
        assert_eq!(
            decode("\u{feff}\u{feff}".as_bytes(), Charset::Utf8),
            "\u{feff}"
        );
        assert_eq!(
            decode(&utf16("\u{feff}{}", u16::to_le_bytes), Charset::Utf16Le),
            "{}"
        );
    }

    #[test]
    fn invalid_sequences_are_replaced() {
        assert_eq!(decode(b"caf\xe9", Charset::Utf8), "caf\u{fffd}");
        assert_eq!(decode(b"{\0}\0x", Charset::Utf16Le), "{}");
    }
}
