//! Turns a body's bytes into text.
//!
//! Knows UTF-8 and UTF-16. Never fails: what makes no sense becomes U+FFFD, as in Express.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::middleware::json::declared::Charset;

/// Decodes the bytes and takes one byte order mark off them.
pub(super) fn decode(bytes: &[u8], charset: Charset) -> String {
    let encoding = match charset {
        Charset::Utf8 => UTF_8,
        Charset::Utf16Le => UTF_16LE,
        Charset::Utf16Be => UTF_16BE,
        Charset::Utf16 => guess_order(bytes),
    };
    let whole = if encoding == UTF_8 {
        bytes
    } else {
        // Express drops half a unit at the end.
        bytes.get(..bytes.len() & !1).unwrap_or(bytes)
    };
    let (text, _) = encoding.decode_with_bom_removal(whole);
    text.into_owned()
}

/// How many units are looked at, as in Express's `iconv-lite`.
const GUESSED_UNITS: usize = 100;

/// The order that the mark says, or else the one that makes more of the first units ASCII.
fn guess_order(bytes: &[u8]) -> &'static Encoding {
    if bytes.starts_with(&[0xFE, 0xFF]) {
        return UTF_16BE;
    }
    if bytes.starts_with(&[0xFF, 0xFE]) {
        return UTF_16LE;
    }
    let (mut little, mut big) = (0, 0);
    for unit in bytes.chunks_exact(2).take(GUESSED_UNITS) {
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
    fn the_byte_order_is_guessed() {
        for order in [u16::to_be_bytes, u16::to_le_bytes] {
            assert_eq!(
                decode(&utf16("{\"a\":\"论\"}", order), Charset::Utf16),
                "{\"a\":\"论\"}"
            );
            assert_eq!(decode(&utf16("\u{feff}论", order), Charset::Utf16), "论");
        }
    }

    #[test]
    fn one_mark_is_taken_off() {
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
    fn nonsense_is_replaced() {
        assert_eq!(decode(b"caf\xe9", Charset::Utf8), "caf\u{fffd}");
        assert_eq!(decode(b"{\0}\0x", Charset::Utf16Le), "{}");
    }
}
