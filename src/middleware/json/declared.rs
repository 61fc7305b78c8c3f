//! What the head of a request declares about its body, and whether that will do.
//!
//! Knows Content-Type, Content-Encoding and Content-Length. Never reads a byte of the body.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, TRANSFER_ENCODING,
    UPGRADE,
};

use crate::error::ErrorCode;
use crate::middleware::json::JsonConfig;
use crate::middleware::json::reading::Unread;

/// What follows from the head alone.
pub(super) enum Verdict {
    NoBody,
    /// A body of another type, which Express leaves unread.
    Ignored(Unread),
    Refused(ErrorCode, Unread),
    Body(Declared),
}

/// A body that may be read.
pub(super) struct Declared {
    pub(super) charset: Charset,
    pub(super) coding: Coding,
    pub(super) length: Option<usize>,
    pub(super) unread: Unread,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    /// Either byte order: the byte order mark tells, or the zeros of the first letters do.
    Utf16,
    Utf16Le,
    Utf16Be,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
}

impl Coding {
    /// How many bytes may come off the wire for a body that may have `limit` bytes. What does not
    /// compress grows a little; Express counts inflated bytes only, however many came.
    pub(super) fn wire_limit(self, limit: usize) -> usize {
        match self {
            Self::Identity => limit,
            Self::Gzip | Self::Deflate | Self::Brotli => {
                limit.saturating_add(limit / 64).saturating_add(1024)
            }
        }
    }
}

/// Steps 1 to 5.
pub(super) fn judge(request: &HttpRequest, payload: &Payload, config: &JsonConfig) -> Verdict {
    let headers = request.headers();
    let declared_length = first(headers, &CONTENT_LENGTH).map(|length| length.trim().parse());
    // A length that is no number was refused with the head; one beyond the address space is huge.
    let length = declared_length.map(|length| length.unwrap_or(usize::MAX));
    let chunked = headers.contains_key(TRANSFER_ENCODING);
    let endless = is_endless(request);
    // Actix's test requests declare no length.
    let undeclared = !matches!(payload, Payload::None) && !endless;
    if length.is_none() && !chunked && !undeclared {
        return Verdict::NoBody;
    }
    let unread = match length {
        _ if chunked || endless => Unread::LeftToActix,
        Some(length) => Unread::Declared(length),
        None => Unread::Undeclared,
    };
    match judge_headers(headers, length, config) {
        Err(ErrorCode::UnsupportedMediaType) if length == Some(0) => Verdict::NoBody,
        Err(ErrorCode::UnsupportedMediaType) if !config.refuse_other_types => {
            Verdict::Ignored(unread)
        }
        Err(code) => Verdict::Refused(code, unread),
        Ok((charset, coding)) => Verdict::Body(Declared {
            charset,
            coding,
            length,
            unread,
        }),
    }
}

/// Actix gives these requests a payload that ends with the connection, whatever length they declare.
fn is_endless(request: &HttpRequest) -> bool {
    let mut upgrades = request.headers().get_all(UPGRADE);
    let to_websocket = upgrades.any(|to| {
        to.as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"websocket")
    });
    to_websocket || request.method() == Method::CONNECT
}

fn judge_headers(
    headers: &HeaderMap,
    length: Option<usize>,
    config: &JsonConfig,
) -> Result<(Charset, Coding), ErrorCode> {
    let content_type = first(headers, &CONTENT_TYPE).unwrap_or_default();
    if !is_json(&content_type) {
        return Err(ErrorCode::UnsupportedMediaType);
    }
    let charset = charset(&content_type);
    if charset == Named::Foreign {
        return Err(ErrorCode::UnsupportedCharset);
    }
    let coding = coding(headers).ok_or(ErrorCode::UnsupportedEncoding)?;
    if coding != Coding::Identity && !config.inflate {
        return Err(ErrorCode::UnsupportedEncoding);
    }
    let wire_limit = coding.wire_limit(config.limit);
    if length.is_some_and(|length| length > wire_limit) {
        return Err(ErrorCode::BodyTooLarge);
    }
    match charset {
        Named::Known(charset) => Ok((charset, coding)),
        // As in Express, where only the decoder finds that it does not know these.
        Named::UnknownUtf | Named::Foreign => Err(ErrorCode::UnsupportedCharset),
    }
}

/// The first header of a name counts, as in node.
fn first(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

const OPTIONAL_WHITE_SPACE: [char; 2] = [' ', '\t'];

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence
        .trim_matches(OPTIONAL_WHITE_SPACE)
        .eq_ignore_ascii_case("application/json")
}

/// What the charset parameter names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Known(Charset),
    UnknownUtf,
    Foreign,
}

fn charset(content_type: &str) -> Named {
    let name = parameter(content_type, "charset").unwrap_or_default();
    let name = name.to_ascii_lowercase();
    if name.is_empty() || name == "utf8" {
        return Named::Known(Charset::Utf8);
    }
    let Some(kind) = name.strip_prefix("utf-") else {
        return Named::Foreign;
    };
    // Express compares names by their letters and digits alone.
    let letters: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
    match letters.as_str() {
        "8" => Named::Known(Charset::Utf8),
        "16" => Named::Known(Charset::Utf16),
        "16le" => Named::Known(Charset::Utf16Le),
        "16be" => Named::Known(Charset::Utf16Be),
        _ => Named::UnknownUtf,
    }
}

/// The first parameter of the name. Forgiving: one without `=`, or whose quotes do not end, is
/// none.
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
        if name
            .trim_matches(OPTIONAL_WHITE_SPACE)
            .eq_ignore_ascii_case(wanted)
        {
            return Some(value);
        }
        rest = after_semicolon(tail)?;
    }
}

fn after_semicolon(text: &str) -> Option<&str> {
    text.split_once(';').map(|(_, rest)| rest)
}

/// A quoted value without its quotes and backslashes, and what follows it.
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

/// Two headers count as a list, and lists are not known.
fn coding(headers: &HeaderMap) -> Option<Coding> {
    if headers.get_all(CONTENT_ENCODING).count() > 1 {
        return None;
    }
    let name = first(headers, &CONTENT_ENCODING).unwrap_or_default();
    match name.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Some(Coding::Identity),
        "gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        "br" => Some(Coding::Brotli),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_charset(content_type: &str, expected: Charset) {
        assert_eq!(
            charset(content_type),
            Named::Known(expected),
            "{content_type}"
        );
    }

    #[test]
    fn only_one_type_is_json() {
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
    fn charsets_are_unicode_ones() {
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
            let named = charset(&format!("a/b; charset={foreign}"));
            assert_eq!(named, Named::Foreign, "{foreign}");
        }
        for unknown in ["utf-7", "utf-32", "utf-9", "utf-"] {
            let named = charset(&format!("a/b; charset={unknown}"));
            assert_eq!(named, Named::UnknownUtf, "{unknown}");
        }
    }
}
