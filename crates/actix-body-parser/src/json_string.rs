//! Unescapes JSON strings. An unpaired surrogate becomes U+FFFD.

use std::borrow::Cow;
use std::str::Chars;

/// Removes the quotes and escapes of a valid JSON string.
pub(crate) fn unescape(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let Some((plain, _)) = inner.split_once('\\') else {
        return Cow::Borrowed(inner);
    };
    let mut text = String::with_capacity(inner.len());
    text.push_str(plain);
    let mut rest = inner.get(plain.len()..).unwrap_or_default().chars();
    while let Some(letter) = rest.next() {
        text.push(match letter {
            '\\' => escaped(&mut rest),
            plain => plain,
        });
    }
    Cow::Owned(text)
}

fn escaped(rest: &mut Chars<'_>) -> char {
    match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => code_point(rest),
        Some(itself) => itself,
        None => char::REPLACEMENT_CHARACTER,
    }
}

fn code_point(rest: &mut Chars<'_>) -> char {
    let first = unit(rest);
    let mut ahead = rest.clone();
    let pair = if (ahead.next(), ahead.next()) == (Some('\\'), Some('u')) {
        [first, unit(&mut ahead)]
    } else {
        [first, 0]
    };
    // The second unit is consumed only if the two are a pair.
    let decoded = char::decode_utf16(pair).next();
    match decoded {
        Some(Ok(letter)) => {
            if letter.len_utf16() == 2 {
                *rest = ahead;
            }
            letter
        }
        Some(Err(_)) | None => char::REPLACEMENT_CHARACTER,
    }
}

fn unit(rest: &mut Chars<'_>) -> u16 {
    let digits: String = rest.take(4).collect();
    u16::from_str_radix(&digits, 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(quoted: &str, expected: &str) {
        assert_eq!(unescape(quoted), expected, "{quoted}");
    }

    #[test]
    fn escapes_are_decoded() {
        check(r#""""#, "");
        check(r#""论""#, "论");
        check(
            r#""a\"\\\/\b\f\n\r\t\u0041\u0000论""#,
            "a\"\\/\u{8}\u{c}\n\r\tA\0论",
        );
        check(r#""\ud83d\uDE00!""#, "😀!");
    }

    #[test]
    fn unpaired_surrogates_are_replaced() {
        check(r#""\ud83d""#, "\u{fffd}");
        check(r#""\ud83dA""#, "\u{fffd}A");
        check(r#""\ud83d\u0041""#, "\u{fffd}A");
        check(r#""\ud83d\n""#, "\u{fffd}\n");
        check(r#""\ude00\ud83d\ud83d\ude00""#, "\u{fffd}\u{fffd}😀");
    }
}
