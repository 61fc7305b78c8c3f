//! The values that a request alone gives to a line.
//!
//! Knows how morgan and `basic-auth` read a request. Never knows responses.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{AUTHORIZATION, REFERER, USER_AGENT};
use actix_web::http::{Uri, Version};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::middleware::access_log::escape::{latin1, redact};
use crate::middleware::access_log::headers::{REFERRER, joined};
use crate::middleware::access_log::record::push_or_nothing;
use crate::middleware::access_log::template::Asked;

/// Writes the value of a token, fit for a line, or `-`.
pub(super) fn write(token: &Asked, request: &ServiceRequest, line: &mut String) {
    match token {
        // A method is one word of letters and marks that need no escape (RFC 9110, 5.6.2).
        Asked::Method => line.push_str(request.method().as_str()),
        Asked::Url => match plain_target(request.uri()) {
            Some(target) => line.push_str(target),
            None => push_or_nothing(value(token, request), line),
        },
        Asked::HttpVersion
        | Asked::RemoteAddress
        | Asked::RemoteUser
        | Asked::Referrer
        | Asked::UserAgent
        | Asked::Header(_) => push_or_nothing(value(token, request), line),
    }
}

/// The target of a request as it came, if there is nothing in it to escape or to hide: most are such.
fn plain_target(uri: &Uri) -> Option<&str> {
    let of_a_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte);
    let target = uri.path_and_query().filter(|_| uri.authority().is_none())?;
    target
        .as_str()
        .bytes()
        .all(of_a_path)
        .then(|| target.as_str())
}

/// The value of a token, before it is escaped.
fn value(token: &Asked, request: &ServiceRequest) -> Option<String> {
    let headers = request.headers();
    match token {
        Asked::Method => Some(request.method().to_string()),
        Asked::Url => Some(redact(&latin1(request.uri().to_string().as_bytes()))),
        Asked::HttpVersion => Some(version(request.version()).to_owned()),
        Asked::RemoteAddress => request.peer_addr().map(|peer| peer.ip().to_string()),
        Asked::RemoteUser => {
            let credentials = headers.get(AUTHORIZATION)?;
            user(&latin1(credentials.as_bytes()))
        }
        Asked::Referrer => joined(headers, &REFERER)
            .filter(|referrer| !referrer.is_empty())
            .or_else(|| joined(headers, &REFERRER)),
        Asked::UserAgent => joined(headers, &USER_AGENT),
        Asked::Header(name) => joined(headers, name),
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2.0",
        Version::HTTP_3 => "3.0",
        _ => "1.1",
    }
}

/// The user of Basic credentials.
fn user(credentials: &str) -> Option<String> {
    let (scheme, secret) = credentials.trim_matches(' ').split_once(' ')?;
    let secret = secret.trim_matches(' ');
    let plausible = |letter: char| letter.is_ascii_alphanumeric() || "._~+/-".contains(letter);
    let letters = secret.trim_end_matches('=');
    if !scheme.eq_ignore_ascii_case("basic")
        || letters.is_empty()
        || !letters.chars().all(plausible)
    {
        return None;
    }
    let decoded = decode(letters);
    let (user, password) = decoded.split_once(':')?;
    let broken = password.contains(['\n', '\r', '\u{2028}', '\u{2029}']);
    (!broken).then(|| user.to_owned())
}

/// As forgiving as node: either alphabet, no padding needed, odd letters are skipped.
fn decode(letters: &str) -> String {
    let mut letters: String = letters
        .chars()
        .filter(|letter| !"._~".contains(*letter) || *letter == '_')
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            same => same,
        })
        .collect();
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    let bytes = FORGIVING.decode(letters).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(credentials: &str, expected: Option<&str>) {
        assert_eq!(user(credentials).as_deref(), expected, "{credentials}");
    }

    #[test]
    fn the_user_is_read_as_basic_auth_reads_it() {
        check("Basic dG9iaTpsb2tp", Some("tobi"));
        check("  bAsIc   dG9iaTo=  ", Some("tobi"));
        check("Basic dG9iaTo", Some("tobi"));
        check("Basic Omxva2k=", Some(""));
        check("Basic YSJiCmM6eA==", Some("a\"b\nc"));
        check("Basic 6K66Og==", Some("论"));
        check("Basic !!!", None);
        check("Basic", None);
        check("Basic ", None);
        check("Basic dG9iaQ==", None);
        check("Bearer dG9iaTpsb2tp", None);
    }
}
