//! Recognizes codes by their shape.

use std::fmt;

/// The text that DevTools returns as a login code for a project without an AppID.
pub const MOCK_CODE: &str = "the code is a mock one";

/// Maximum length of a text that is sent as a code. Our choice: twice that of the longest codes.
const MAX_POSSIBLE_BYTES: usize = 128;

/// Returns `true` unless the text cannot be a code. Observed codes have 32 or 64 letters and digits; the marks of base64url
/// are allowed as well, in case WeChat uses them one day.
pub(super) fn is_possible(code: &str) -> bool {
    let has_code_characters = |code: &str| {
        code.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    code == MOCK_CODE || code.len() <= MAX_POSSIBLE_BYTES && has_code_characters(code)
}

/// The shape of a text that was sent as a code, which often explains its rejection. Safe to log.
///
/// The lengths are observed, not specified by WeChat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeShape {
    /// 32 letters and digits: a code from `wx.login`.
    Login,
    /// 64 lower-case hexadecimal digits: a phone number or plugin code.
    Phone,
    /// The literal text that DevTools returns for a project without an AppID.
    Mock,
    /// Fewer than 32 letters and digits, or fewer than 64 hexadecimal digits: a truncated code.
    Truncated,
    /// Anything else.
    Unknown,
}

impl CodeShape {
    pub(super) fn of(code: &str) -> Self {
        let alphanumeric = code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let hexadecimal = code
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match code.len() {
            _ if code == MOCK_CODE => Self::Mock,
            32 if alphanumeric => Self::Login,
            64 if hexadecimal => Self::Phone,
            0..32 if alphanumeric => Self::Truncated,
            33..64 if hexadecimal => Self::Truncated,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for CodeShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "shaped like a login code",
            Self::Phone => "shaped like a phone number code",
            Self::Mock => "the mock code that DevTools returns without an AppID",
            Self::Truncated => "shorter than a WeChat code, as if truncated",
            Self::Unknown => "not shaped like a WeChat code",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_other_characters_or_far_too_long_cannot_be_a_code() {
        for possible in [
            "051bIzT629FmMN0zraV62WLnT62bIzTA",
            &"0a".repeat(32),
            MOCK_CODE,
            "1",
            "a-b_c",
            &"x".repeat(128),
        ] {
            assert!(is_possible(possible), "{possible}");
        }
        for impossible in [
            "051bIzT629FmMN0zraV62WLnT62bIz A",
            "the code is a mock one ",
            "a+b",
            "a\n",
            "\u{e9}",
            "' or 1=1",
            &"x".repeat(129),
        ] {
            assert!(!is_possible(impossible), "{impossible}");
        }
    }

    #[test]
    fn a_code_is_recognized_by_its_shape() {
        for (code, shape) in [
            ("051bIzT629FmMN0zraV62WLnT62bIzTA", CodeShape::Login),
            (&"0a".repeat(32), CodeShape::Phone),
            (MOCK_CODE, CodeShape::Mock),
            ("051bIzT629FmMN0zra", CodeShape::Truncated),
            ("051bIzT629FmMN0zraV62WLnT62bIz A", CodeShape::Unknown),
            ("é", CodeShape::Unknown),
            (&"0a".repeat(31), CodeShape::Truncated),
            (&"0z".repeat(31), CodeShape::Unknown),
        ] {
            assert_eq!(CodeShape::of(code), shape, "{code}");
        }
    }
}
