//! The name that WeChat gives to a call, so that its support can find it.
//!
//! Knows the tails that WeChat puts behind an `errmsg`.
//! Never knows what went wrong in the call.

use std::fmt;

/// WeChat's name of one call. Safe to log and to send: it is never taken from a text of another shape.
///
/// `rid: 668f2aa4-51c08c03-3d141241` today; until about 2020 a `req_id: uhJDVZyFe-YZguHA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rid(String);

impl Rid {
    /// Finds the name in an `errmsg`; a `rid` goes before a `req_id`.
    pub(crate) fn find(errmsg: &str) -> Option<Self> {
        word_after(errmsg, "rid:", is_rid).or_else(|| word_after(errmsg, "req_id:", is_req_id))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When WeChat took the call, in Unix seconds by WeChat's clock: the first block of a `rid`.
    ///
    /// Not documented by WeChat, but observed: `6437cc6f-…` came at 1681378415. `None` for a `req_id`.
    pub fn unix_seconds(&self) -> Option<u32> {
        let (seconds, _) = self.0.split_once('-').filter(|_| is_rid(&self.0))?;
        u32::from_str_radix(seconds, 16).ok()
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first word behind any `label` that is a name.
fn word_after(text: &str, label: &str, is_name: fn(&str) -> bool) -> Option<Rid> {
    text.split(label)
        .skip(1)
        .filter_map(|tail| tail.split_whitespace().next())
        .map(|word| word.trim_end_matches([']', ',', '.']))
        .find(|word| is_name(word))
        .map(|word| Rid(word.to_owned()))
}

/// Three blocks of eight lower-case hexadecimal digits.
fn is_rid(word: &str) -> bool {
    let is_block = |block: &str| {
        block.len() == 8
            && block
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    word.split('-').count() == 3 && word.split('-').all(is_block)
}

/// Up to 24 characters of base64url: shorter than an openid, a login code or a secret.
fn is_req_id(word: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (8..=24).contains(&word.len()) && word.bytes().all(is_letter)
}
