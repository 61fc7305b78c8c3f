//! What the text of a setting must look like.
//!
//! Knows one rule per kind of text; a rule says what the text must be, if it is not.
//! Never knows the keys that the rules are for.

use std::net::IpAddr;

use crate::settings::log::log_target;
use crate::settings::written::{ip_address, sqlite_file};

/// Says what a text must be, if it is not.
pub(super) type Rule = fn(&str) -> Option<&'static str>;

pub(super) fn host(text: &str) -> Option<&'static str> {
    let sound = ip_address(text).is_some();
    (!sound).then_some("an IP address such as 127.0.0.1 or 0.0.0.0, or localhost")
}

pub(super) fn not_empty(text: &str) -> Option<&'static str> {
    text.is_empty().then_some("a text that is not empty")
}

pub(super) fn level(text: &str) -> Option<&'static str> {
    let sound = matches!(text, "off" | "error" | "warn" | "info" | "debug" | "trace");
    (!sound).then_some("one of off, error, warn, info, debug, trace")
}

pub(super) fn target(text: &str) -> Option<&'static str> {
    let sound = log_target(text).is_some();
    (!sound).then_some("targets and levels such as weapp_login::store=debug")
}

pub(super) fn style(text: &str) -> Option<&'static str> {
    let sound = matches!(text, "text" | "json");
    (!sound).then_some("text or json")
}

pub(super) fn path(text: &str) -> Option<&'static str> {
    (!text.starts_with('/')).then_some("paths that begin with a slash")
}

pub(super) fn metrics_path(text: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let sound = text.len() > 1 && text.starts_with('/') && text.bytes().all(plain);
    (!sound).then_some("a path such as /metrics, of letters, digits, `-`, `_`, `.` and slashes")
}

/// Letters that no form, header or list needs to escape, and more than anybody can try.
pub(super) fn service_key(text: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let sound = (32..=256).contains(&text.len()) && text.bytes().all(plain);
    (!sound).then_some("keys of 32 to 256 letters, digits, `-`, `.`, `_` and `~`")
}

pub(super) fn store_url(text: &str) -> Option<&'static str> {
    let sound = sqlite_file(text).is_some_and(|file| {
        !file.is_empty() && !file.ends_with('/') && !file.contains([':', '?', '#', '\0'])
    });
    (!sound).then_some("sqlite:// and a file, such as sqlite://data/weapp.db")
}

pub(super) fn app_id(text: &str) -> Option<&'static str> {
    let sound = text.is_empty()
        || text.strip_prefix("wx").is_some_and(|rest| {
            rest.len() == 16
                && rest
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        });
    (!sound).then_some("`wx` and 16 hexadecimal digits in lower case")
}

pub(super) fn app_secret(text: &str) -> Option<&'static str> {
    let sound =
        text.is_empty() || (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (!sound).then_some("32 hexadecimal digits")
}

pub(super) fn base_url(text: &str) -> Option<&'static str> {
    let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        (None, None) => return Some("a URL such as https://api.weixin.qq.com"),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let Some(host) = host_of(authority) else {
        return Some("scheme, host and perhaps port only, such as https://api.weixin.qq.com");
    };
    let loopback = ip_address(host).is_some_and(|address| address.is_loopback());
    (!secure && !loopback).then_some("https, as http is for this machine only")
}

/// The host in `host`, `host:port`, `[address]` or `[address]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            host.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6)?;
            (
                host,
                rest.strip_prefix(':').or(rest.is_empty().then_some("1")),
            )
        }
        None => authority
            .split_once(':')
            .map_or((authority, Some("1")), |(host, port)| (host, Some(port))),
    };
    let named = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte));
    let port = port?.parse::<u16>().ok()?;
    (named && !host.is_empty() && port > 0).then_some(host)
}

/// Whether an app may bear this name: one that a variable, a path and a log line can hold.
pub(super) fn is_app_name(text: &str) -> bool {
    let sound = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(sound) && !text.contains("__")
}
