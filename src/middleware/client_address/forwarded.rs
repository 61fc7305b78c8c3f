//! Reads the addresses that proxies report in `X-Forwarded-For` and `Forwarded` (RFC 7239), from the right.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};

/// Returns the addresses of `X-Forwarded-For`. An unreadable one is `None`.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    elements(headers, &X_FORWARDED_FOR)
        .into_iter()
        .map(|element| element.and_then(address))
}

/// Returns the addresses of `Forwarded`. An element without a readable address, such as `for=unknown`, is `None`.
pub(super) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    elements(headers, &FORWARDED).into_iter().map(|element| {
        let mut pairs = element?.split(';').filter_map(|pair| pair.split_once('='));
        let (_for, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        address(node.trim().trim_matches('"'))
    })
}

/// Returns the elements of a list header from the right; `None` for a line that is not ASCII.
///
/// A comma in quotes separates as well: no address has one, and otherwise a quote that a client sends could hide what its
/// proxy appends.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<Option<&'a str>> {
    let mut elements = Vec::new();
    for line in headers.get_all(name) {
        match line.to_str() {
            Ok(line) => elements.extend(line.split(',').map(|element| Some(element.trim()))),
            Err(_not_ascii) => elements.push(None),
        }
    }
    elements.retain(|element| *element != Some(""));
    elements.reverse();
    elements
}

/// Parses `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}
