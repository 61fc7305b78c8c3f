//! Values of the tokens that depend on the request alone.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{AUTHORIZATION, REFERER, USER_AGENT};
use actix_web::http::{Uri, Version};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::escape::{escape, latin1};
use crate::format::RequestToken;
use crate::headers::{REFERRER, joined};
use crate::redact::{MASK, redact};

/// Returns the address of a request's client.
pub(crate) type RemoteAddress = fn(&HttpRequest) -> Option<IpAddr>;

/// The text printed instead of a missing value.
pub(crate) const MISSING: &str = "-";

/// Appends the escaped value of a token, or `-`.
pub(crate) fn write(
    token: &RequestToken,
    request: &ServiceRequest,
    address: RemoteAddress,
    line: &mut String,
) {
    match token {
        // A method has only letters and marks that need no escape (RFC 9110, 5.6.2).
        RequestToken::Method => line.push_str(request.method().as_str()),
        RequestToken::Url => match plain_target(request.uri()) {
            Some(target) => line.push_str(target),
            None => push_escaped(value(token, request, address), line),
        },
        RequestToken::HttpVersion
        | RequestToken::RemoteAddress
        | RequestToken::RemoteUser
        | RequestToken::Referrer
        | RequestToken::UserAgent
        | RequestToken::Header(_)
        | RequestToken::SecretHeader(_) => push_escaped(value(token, request, address), line),
    }
}

/// Appends an escaped value, or `-` for a missing or empty one.
pub(crate) fn push_escaped(value: Option<String>, line: &mut String) {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => line.push_str(&escape(&value)),
        None => line.push_str(MISSING),
    }
}

/// Returns the request target if it needs neither escaping nor masking, which is the common case.
fn plain_target(uri: &Uri) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte);
    let target = uri.path_and_query().filter(|_| uri.authority().is_none())?;
    let target = target.as_str();
    target.bytes().all(is_plain).then_some(target)
}

/// Returns the value of a token before escaping.
fn value(token: &RequestToken, request: &ServiceRequest, address: RemoteAddress) -> Option<String> {
    let headers = request.headers();
    match token {
        RequestToken::Method => Some(request.method().to_string()),
        RequestToken::Url => Some(redact(&latin1(request.uri().to_string().as_bytes()))),
        RequestToken::HttpVersion => Some(version(request.version()).to_owned()),
        RequestToken::RemoteAddress => {
            let address = address(request.request());
            address.map(|address| address.to_string())
        }
        RequestToken::RemoteUser => {
            let credentials = headers.get(AUTHORIZATION)?;
            user(&latin1(credentials.as_bytes()))
        }
        RequestToken::Referrer => joined(headers, &REFERER)
            .filter(|referrer| !referrer.is_empty())
            .or_else(|| joined(headers, &REFERRER)),
        RequestToken::UserAgent => joined(headers, &USER_AGENT),
        RequestToken::Header(name) => joined(headers, name),
        RequestToken::SecretHeader(name) => headers.contains_key(name).then(|| MASK.to_owned()),
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

/// Returns the user of Basic credentials, read as node's `basic-auth` does.
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

/// Decodes base64 as leniently as node: either alphabet, optional padding, other characters skipped.
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
    let bytes = LENIENT.decode(letters).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
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
    fn basic_credentials_are_parsed_as_by_basic_auth() {
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
