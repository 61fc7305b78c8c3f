//! The reason of a block.

/// Maximum length of a reason, in characters. Our choice: a sentence.
const MAX_CHARACTERS: usize = 200;

/// The reason of a block, for other operators: one line of 1 to 200 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// The reason is empty, too long, or has more than one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to {MAX_CHARACTERS} characters in one line")]
pub struct MalformedReason;

impl Reason {
    /// Parses a reason. Spaces around it are removed.
    ///
    /// # Errors
    /// [`MalformedReason`] if the length or a character is not allowed.
    pub fn parse(text: &str) -> Result<Self, MalformedReason> {
        let text = text.trim();
        let is_line_break =
            |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
        if (1..=MAX_CHARACTERS).contains(&text.chars().count()) && !text.contains(is_line_break) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedReason)
        }
    }

    /// Returns the reason.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line() {
        for good in ["spam", " 垃圾信息 ", &"因".repeat(200)] {
            assert_eq!(Reason::parse(good).unwrap().into_text(), good.trim());
        }
        for bad in [
            "",
            " ",
            "a\nb",
            "a\u{2028}b",
            "a\u{1b}[31m",
            &"因".repeat(201),
        ] {
            assert_eq!(Reason::parse(bad), Err(MalformedReason), "{bad:?}");
        }
    }
}
