//! Parses the `Content-Type` header.

use crate::charset::Charset;

const OPTIONAL_WHITE_SPACE: [char; 2] = [' ', '\t'];

/// The charset parameter of a content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CharsetName {
    Supported(Charset),
    /// Begins with `utf-`, but is not a known one.
    UnknownUtf,
    Other,
}

/// Returns `true` if the type is `application/json`, with any parameters.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence
        .trim_matches(OPTIONAL_WHITE_SPACE)
        .eq_ignore_ascii_case("application/json")
}

/// Returns the charset of a content type; UTF-8 if it names none.
pub(crate) fn charset(content_type: &str) -> CharsetName {
    let name = charset_name(content_type).to_ascii_lowercase();
    if name.is_empty() || name == "utf8" {
        return CharsetName::Supported(Charset::Utf8);
    }
    let Some(variant) = name.strip_prefix("utf-") else {
        return CharsetName::Other;
    };
    // Express compares only the letters and digits of a name.
    let variant: String = variant
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    match variant.as_str() {
        "8" => CharsetName::Supported(Charset::Utf8),
        "16" => CharsetName::Supported(Charset::Utf16),
        "16le" => CharsetName::Supported(Charset::Utf16Le),
        "16be" => CharsetName::Supported(Charset::Utf16Be),
        _ => CharsetName::UnknownUtf,
    }
}

/// Returns the charset as it was sent; empty if there is none.
pub(crate) fn charset_name(content_type: &str) -> String {
    parameter(content_type, "charset").unwrap_or_default()
}

/// Returns the first parameter of this name. A parameter without `=` or without a closing quote is ignored.
fn parameter(content_type: &str, wanted: &str) -> Option<String> {
    let mut rest = after_semicolon(content_type)?;
    loop {
        let end = rest.find(['=', ';'])?;
        let (name, tail) = rest.split_at(end);
        let Some(tail) = tail.strip_prefix('=') else {
            rest = after_semicolon(tail)?;
            continue;
        };
        let tail = tail.trim_start_matches(OPTIONAL_WHITE_SPACE);
        let (value, tail) = if let Some(quoted) = tail.strip_prefix('"') {
            unquote(quoted)?
        } else {
            let (value, tail) = tail.split_at(tail.find(';').unwrap_or(tail.len()));
            (value.trim_matches(OPTIONAL_WHITE_SPACE).to_owned(), tail)
        };
        let name = name.trim_matches(OPTIONAL_WHITE_SPACE);
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after_semicolon(tail)?;
    }
}

fn after_semicolon(text: &str) -> Option<&str> {
    text.split_once(';').map(|(_, rest)| rest)
}

/// Returns a quoted value without its quotes and backslashes, and the text after it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => value.push(rest.next()?),
            plain => value.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_charset(content_type: &str, expected: Charset) {
        assert_eq!(
            charset(content_type),
            CharsetName::Supported(expected),
            "{content_type}"
        );
    }

    #[test]
    fn only_application_json_is_json() {
        for json in [
            "application/json",
            "APPLICATION/JSON",
            " application/json ;charset=utf-8",
            "application/json;",
        ] {
            assert!(is_json(json), "{json}");
        }
        for other in [
            "",
            "/",
            "text/json",
            "application/json5",
            "application/vnd.api+json",
            "application / json",
            "application/json, application/json",
        ] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn only_unicode_charsets_are_supported() {
        check_charset("application/json", Charset::Utf8);
        check_charset("application/json; charset=UTF-8", Charset::Utf8);
        check_charset("application/json; charset=utf8", Charset::Utf8);
        check_charset(
            "a/b; x=\"charset=gbk;\\\"\"; charset = utf-16le",
            Charset::Utf16Le,
        );
        check_charset("a/b; charset=\"utf\\-16\"", Charset::Utf16);
        check_charset("a/b; charset=utf-16be", Charset::Utf16Be);
        check_charset("a/b; charset=\"utf-8", Charset::Utf8);
        check_charset("a/b; charset", Charset::Utf8);
        check_charset("a/b; =utf-8;;charset=\"\"", Charset::Utf8);
        check_charset("a/b; charset=utf-8; charset=gbk", Charset::Utf8);
        for foreign in ["gbk", "ucs-2", "utf16", "'utf-8'", "é"] {
            let name = charset(&format!("a/b; charset={foreign}"));
            assert_eq!(name, CharsetName::Other, "{foreign}");
        }
        for unknown in ["utf-7", "utf-32", "utf-9", "utf-"] {
            let name = charset(&format!("a/b; charset={unknown}"));
            assert_eq!(name, CharsetName::UnknownUtf, "{unknown}");
        }
    }
}
