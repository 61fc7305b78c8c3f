//! The `Idempotency-Key` of a login.

use std::fmt;

use zeroize::Zeroizing;

/// Maximum length of a key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// A client-chosen key, sent with a login and again with each retry of it: 1 to 255 visible ASCII characters.
#[derive(Clone)]
pub struct IdempotencyKey(pub(super) Zeroizing<String>);

/// The key is empty, too long, or contains other than visible ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to {MAX_KEY_BYTES} visible ASCII characters")]
pub struct MalformedKey;

impl IdempotencyKey {
    /// Parses a key.
    ///
    /// # Errors
    /// [`MalformedKey`] if the length or a character is not allowed.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedKey> {
        let sound =
            (1..=MAX_KEY_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        match std::str::from_utf8(bytes) {
            Ok(text) if sound => Ok(Self(Zeroizing::new(text.to_owned()))),
            Ok(_) | Err(_) => Err(MalformedKey),
        }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_and_bounded() {
        for good in ["k", "0b5f-…".trim_end_matches('…'), &"x".repeat(255)] {
            assert!(IdempotencyKey::parse(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\tb", "é", "\u{7f}", &"x".repeat(256)] {
            assert!(IdempotencyKey::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
