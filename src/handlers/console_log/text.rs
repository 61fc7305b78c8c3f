//! Formats strings, field names and numbers as Node does. Strings are in UTF-16, because Node measures them in it and shows
//! unpaired surrogates.

use std::fmt::Write as _;

/// Length of a line, as in Node.
pub(super) const LINE_LENGTH: usize = 80;
/// Maximum length of a string in code units.
const MAX_STRING_LENGTH: usize = 10_000;
/// A shorter string is never split at its line feeds.
const MIN_SPLIT_LENGTH: usize = 16;

/// Decodes a JSON string.
pub(super) fn units(quoted: &str) -> Vec<u16> {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    let mut chars = inner.strip_suffix('"').unwrap_or(inner).chars();
    let mut units = Vec::with_capacity(inner.len());
    while let Some(letter) = chars.next() {
        let letter = match letter {
            '\\' => match chars.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or_default());
                    continue;
                }
                Some(itself) => itself,
                None => break,
            },
            plain => plain,
        };
        units.extend_from_slice(letter.encode_utf16(&mut [0; 2]));
    }
    units
}

pub(super) fn encoded(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Replaces unpaired surrogates by U+FFFD.
pub(super) fn decoded(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

/// Returns `true` if the string is this text.
pub(super) fn is(units: &[u16], text: &str) -> bool {
    units.iter().copied().eq(text.encode_utf16())
}

/// Returns the length of a text as JavaScript counts it.
pub(super) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Formats a string value that begins at the column `indent`. A long one is split after its line feeds.
pub(super) fn string(units: &[u16], indent: usize) -> String {
    let shown = units.get(..MAX_STRING_LENGTH).unwrap_or(units);
    let trailer = match units.len() - shown.len() {
        0 => String::new(),
        1 => "... 1 more character".to_owned(),
        hidden => format!("... {hidden} more characters"),
    };
    let fits = shown.len() + indent + 4 <= LINE_LENGTH;
    if shown.len() <= MIN_SPLIT_LENGTH || fits {
        return quote(shown) + &trailer;
    }
    let lines = shown.split_inclusive(|unit| *unit == u16::from(b'\n'));
    let separator = format!(" +\n{}", " ".repeat(indent + 2));
    lines.map(quote).collect::<Vec<_>>().join(&separator) + &trailer
}

/// Formats a field's name: without quotes if it is an identifier.
pub(super) fn field_name(units: &[u16]) -> String {
    let name = decoded(units);
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name == "__proto__" {
        "['__proto__']".to_owned()
    } else if name.chars().all(is_word) && name.starts_with(|first: char| !first.is_ascii_digit()) {
        name
    } else {
        quote(units)
    }
}

/// Quotes and escapes a string. Beyond Node, it escapes the characters that end a line or change the direction of text.
pub(super) fn quote(units: &[u16]) -> String {
    let text = decoded(units);
    let quote = match text.contains('\'') {
        true if !text.contains('"') => '"',
        true if !text.contains('`') && !text.contains("${") => '`',
        _ => '\'',
    };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for letter in char::decode_utf16(units.iter().copied()) {
        match letter {
            Ok(letter) => escape(letter, quote, &mut quoted),
            Err(unpaired) => push(
                &mut quoted,
                format_args!("\\u{:x}", unpaired.unpaired_surrogate()),
            ),
        }
    }
    quoted.push(quote);
    quoted
}

fn escape(letter: char, quote: char, quoted: &mut String) {
    match letter {
        '\u{8}' => quoted.push_str("\\b"),
        '\t' => quoted.push_str("\\t"),
        '\n' => quoted.push_str("\\n"),
        '\u{c}' => quoted.push_str("\\f"),
        '\r' => quoted.push_str("\\r"),
        '\\' => quoted.push_str("\\\\"),
        '\'' if quote == '\'' => quoted.push_str("\\'"),
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
            push(quoted, format_args!("\\x{:02X}", u32::from(letter)));
        }
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            push(quoted, format_args!("\\u{:04x}", u32::from(letter)));
        }
        plain => quoted.push(plain),
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    text.write_fmt(arguments).unwrap_or_default();
}

/// Formats a JSON number as JavaScript does: the shortest digits that read as the same number.
pub(super) fn number(json: &str) -> String {
    let number: f64 = json.parse().unwrap_or(f64::NAN);
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_infinite() {
        return format!("{sign}Infinity");
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    // The decimal point stands before this digit.
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let unsigned = match usize::try_from(point) {
        Ok(point @ 1..=21) => match digits.split_at_checked(point) {
            Some((whole, "")) => whole.to_owned(),
            Some((whole, fraction)) => format!("{whole}.{fraction}"),
            None => format!("{digits:0<point$}"),
        },
        _ if (-5..=0).contains(&point) => {
            let zeros = usize::try_from(-point).unwrap_or_default();
            format!("0.{}{digits}", "0".repeat(zeros))
        }
        _ => format!("{mantissa}e{:+}", point - 1),
    };
    sign.to_owned() + &unsigned
}
