//! Decides from the head of a request how its body is read.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, TRANSFER_ENCODING,
    UPGRADE,
};

use crate::body_stream::Framing;
use crate::charset::Charset;
use crate::config::Options;
use crate::content_type::{self, CharsetName};
use crate::error::BodyError;
use crate::inflate::ContentEncoding;

/// The decision about a body that has not been read.
pub(crate) enum Decision {
    NoBody,
    /// A body of another type, which Express does not read.
    Skip(Framing),
    Reject(BodyError, Framing),
    Read(Format),
}

/// The declared properties of a body that can be read.
pub(crate) struct Format {
    pub(crate) charset: Charset,
    pub(crate) encoding: ContentEncoding,
    pub(crate) length: Option<usize>,
    pub(crate) framing: Framing,
}

/// Checks the head in the order of `body-parser`: body, type, charset, encoding, length.
pub(crate) fn decide(request: &HttpRequest, payload: &Payload, options: &Options) -> Decision {
    let headers = request.headers();
    let length = first(headers, &CONTENT_LENGTH).map(|length| length.trim().parse());
    // Actix has rejected a length that is not a number. One beyond the address space is too large in any case.
    let length = length.map(|length| length.unwrap_or(usize::MAX));
    let chunked = headers.contains_key(TRANSFER_ENCODING);
    let endless = is_endless(request);
    // Actix's test requests declare no length.
    let undeclared = !matches!(payload, Payload::None) && !endless;
    if length.is_none() && !chunked && !undeclared {
        return Decision::NoBody;
    }
    let framing = match length {
        _ if chunked || endless => Framing::ChunkedOrUpgrade,
        Some(length) => Framing::Length(length),
        None => Framing::Unknown,
    };
    match check_headers(headers, length, options) {
        Err(BodyError::UnsupportedType) if length == Some(0) => Decision::NoBody,
        Err(BodyError::UnsupportedType) if !options.reject_other_types => Decision::Skip(framing),
        Err(error) => Decision::Reject(error, framing),
        Ok((charset, encoding)) => Decision::Read(Format {
            charset,
            encoding,
            length,
            framing,
        }),
    }
}

/// Returns `true` if the payload that actix provides ends with the connection, even if a length is declared.
fn is_endless(request: &HttpRequest) -> bool {
    let mut upgrades = request.headers().get_all(UPGRADE);
    let to_websocket = upgrades.any(|protocol| {
        let protocol = protocol.as_bytes().trim_ascii();
        protocol.eq_ignore_ascii_case(b"websocket")
    });
    to_websocket || request.method() == Method::CONNECT
}

fn check_headers(
    headers: &HeaderMap,
    length: Option<usize>,
    options: &Options,
) -> Result<(Charset, ContentEncoding), BodyError> {
    let content_type = first(headers, &CONTENT_TYPE).unwrap_or_default();
    if !content_type::is_json(&content_type) {
        return Err(BodyError::UnsupportedType);
    }
    let unsupported_charset =
        || BodyError::unsupported_charset(&content_type::charset_name(&content_type));
    let charset = content_type::charset(&content_type);
    if charset == CharsetName::Other {
        return Err(unsupported_charset());
    }
    let encoding = content_encoding(headers)?;
    if encoding != ContentEncoding::Identity && !options.inflate {
        return Err(BodyError::unsupported_encoding(encoding.name()));
    }
    if length.is_some_and(|length| length > encoding.wire_limit(options.limit)) {
        return Err(BodyError::TooLarge);
    }
    match charset {
        CharsetName::Supported(charset) => Ok((charset, encoding)),
        // Express reports these last, because only its decoder finds out.
        CharsetName::UnknownUtf | CharsetName::Other => Err(unsupported_charset()),
    }
}

/// Returns the first header of this name, which is the one that Node uses.
fn first(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Two headers are a list of encodings, which Express does not support.
fn content_encoding(headers: &HeaderMap) -> Result<ContentEncoding, BodyError> {
    let name = first(headers, &CONTENT_ENCODING).unwrap_or_default();
    ContentEncoding::named(&name)
        .filter(|_| headers.get_all(CONTENT_ENCODING).count() <= 1)
        .ok_or_else(|| BodyError::unsupported_encoding(&name))
}
