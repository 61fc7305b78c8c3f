//! Makes a value fit for one line of a log.
//!
//! Knows which characters could break, hide or turn around a line, and which values are secret.
//! Never knows where a value comes from.

use std::fmt::Write;

/// Escapes as morgan does, and the marks that turn the direction of text around as well: a URL or
/// a user name must not be able to make a line read as another one.
pub(super) fn escape(value: &str) -> String {
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

/// Bytes off the wire as text: one character for each, as node has it.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// What stands in place of a secret.
pub(super) const HIDDEN: &str = "***";

/// The names of parameters that are never logged, in small letters.
const SECRETS: [&str; 6] = [
    "code",
    "token",
    "secret",
    "access_token",
    "session_key",
    "signature",
];

/// Hides the values of secret parameters in a URL, wherever parameters can stand in one.
pub(super) fn redact(url: &str) -> String {
    let mut redacted = String::with_capacity(url.len());
    let mut parts = url.split_inclusive(SEPARATORS);
    redacted.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let pair = part.trim_end_matches(SEPARATORS);
        let separator = part.get(pair.len()..).unwrap_or_default();
        match pair.split_once('=') {
            Some((name, value)) if is_secret(name) || holds_secret(value) => {
                redacted.extend([name, "=", HIDDEN]);
            }
            _ => redacted.push_str(pair),
        }
        redacted.push_str(separator);
    }
    redacted
}

const SEPARATORS: [char; 4] = ['?', '&', '#', ';'];

/// Also as `user[code]`, and with letters written as `%63`.
fn is_secret(name: &str) -> bool {
    let name = decode(name).to_lowercase();
    name.split(['[', ']', '.'])
        .any(|name| SECRETS.contains(&name.trim()))
}

/// Whether a value is itself a URL with a secret in it, as in `?next=https%3A%2F%2Fx%3Fcode%3D1`.
/// One that is wrapped more often than anybody needs is hidden unseen.
fn holds_secret(value: &str) -> bool {
    let mut value = value.to_owned();
    for _ in 0..MOST_WRAPS {
        let inner = decode(&value);
        if inner.len() == value.len() {
            return false;
        }
        let mut pairs = inner
            .split(SEPARATORS)
            .filter_map(|pair| pair.split_once('='));
        if pairs.any(|(name, _)| is_secret(name)) {
            return true;
        }
        value = inner;
    }
    true
}

/// How often a value may be percent-encoded anew. Our choice; two is what redirects need.
const MOST_WRAPS: usize = 4;

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default();
                bytes.extend(u8::try_from(digit(*high) * 16 + digit(*low)));
                tail
            }
            _ => {
                bytes.push(first);
                tail
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(redact(url), expected);
    }

    #[test]
    fn nothing_leaves_its_line() {
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

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        check("/login?code=x&y=1", "/login?code=***&y=1");
        check("/login?a=1&CODE=x#token=y", "/login?a=1&CODE=***#token=***");
        check(
            "/x?%63od%65=1&access_token=2;secret=",
            "/x?%63od%65=***&access_token=***;secret=***",
        );
        check(
            "/x?user[code]=1&code[]=2&a.token=3",
            "/x?user[code]=***&code[]=***&a.token=***",
        );
        check("/x?a=1?code=2", "/x?a=1?code=***");
        check("/x?next=https%3A%2F%2Fy%3Fcode%3D1", "/x?next=***");
        check(
            "/x?next=https%253A%252F%252Fy%253Fcode%253D1",
            "/x?next=***",
        );
    }

    #[test]
    fn the_rest_of_a_url_is_kept() {
        for url in [
            "",
            "/",
            "*",
            "/code=1",
            "/nope?a=%22b%22&c=1",
            "/?code",
            "/?barcode=1&codes=2&&=?#",
            "/x?a=%zz%",
            "http://h/p?x=a%20b",
        ] {
            check(url, url);
        }
    }
}
