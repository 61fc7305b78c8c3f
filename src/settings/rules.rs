//! The rules for values, each a function for `#[serde(deserialize_with)]`.
//!
//! The error of a rule completes the sentence "the setting must be …".

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use log::LevelFilter;
use reqwest::Url;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::identity::{
    AdminKey, AppId, AppSecret, BucketSecret, DataKey, EventsSecret, ServiceKey, StorePassword,
};
use crate::settings::address::{Host, ListenAddress};
use crate::settings::error::may_have_password;
use crate::settings::values::{LogTarget, ProxyUrl, TrustedProxy};

/// Deserializes a whole number from `MIN` to `MAX`.
pub(super) fn within<'de, const MIN: i64, const MAX: i64, D: Deserializer<'de>, N: TryFrom<i64>>(
    deserializer: D,
) -> Result<N, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let valid = N::try_from(number)
        .ok()
        .filter(|_| (MIN..=MAX).contains(&number));
    let (side, bound) = if number < MIN {
        ("least", MIN)
    } else {
        ("most", MAX)
    };
    valid.ok_or_else(|| D::Error::custom(format!("at {side} {bound}")))
}

/// Defines functions that deserialize one text, each with its rule and a parser that returns `None` if it is broken.
macro_rules! text_rules {
    ($($name:ident -> $type:ty, $rule:literal, $parse:expr;)*) => {$(
        pub(super) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            let parse: fn(&str) -> Option<$type> = $parse;
            parse(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom($rule))
        }
    )*};
}

/// The same for lists of texts.
macro_rules! list_rules {
    ($($name:ident -> $type:ty, $rule:literal, $parse:expr;)*) => {$(
        pub(super) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<$type>, D::Error> {
            let parse: fn(&str) -> Option<$type> = $parse;
            let texts = Vec::<String>::deserialize(deserializer)?;
            let values: Option<_> = texts.iter().map(|text| parse(text)).collect();
            values.ok_or_else(|| D::Error::custom($rule))
        }
    )*};
}

text_rules! {
    not_empty -> String, "a text that is not empty", |text| some_if(!text.is_empty(), text);
    host -> IpAddr, "an IP address such as 127.0.0.1 or 0.0.0.0, or localhost", |text| Host::parse(text)?.ips().first().copied();
    level -> LevelFilter, "one of off, error, warn, info, debug, trace", |text| {
        text.parse().ok().filter(|level: &LevelFilter| level.as_str().to_ascii_lowercase() == text)
    };
    metrics_path -> String, "a path such as /metrics, of letters, digits, `-`, `_`, `.` and slashes", |text| {
        some_if(text.len() > 1 && text.starts_with('/') && consists_of(text, b"/-_."), text)
    };
    base_path -> String, "empty, or a path such as /api, of letters, digits, `-`, `_`, `.`, `~` and slashes", |text| {
        let path = text.strip_suffix('/').unwrap_or(text);
        some_if(path.is_empty() || path.strip_prefix('/').is_some_and(is_path), path)
    };
    token_header -> String, "empty, or the name of a header of letters, digits and `-`, such as X-Token, and not Authorization", |text| {
        some_if(consists_of(text, b"-") && !text.eq_ignore_ascii_case("authorization"), text)
    };
    store_url -> String, "sqlite:// and a file, such as sqlite://data/weapp.db, or postgres:// and a host without a password, such as postgres://weapp@db/weapp", |text| {
        let is_file = |file: &str| !file.is_empty() && !file.ends_with('/') && !file.contains([':', '?', '#', '\0']);
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        // The store checks the rest. URLs are printed, so they have no password.
        let is_server = matches!(scheme, "postgres" | "postgresql") && !rest.is_empty() && !may_have_password(text);
        some_if(sqlite_file(text).is_some_and(is_file) || is_server, text)
    };
    open_platform -> String, "empty, or a name of at most 64 letters, digits, `-`, `_` and `.`", |text| {
        some_if(text.len() <= 64 && consists_of(text, b"-_."), text)
    };
    store_password -> StorePassword, "a text", |text| Some(StorePassword::new(text));
    avatar_store -> String, "empty, a folder such as data/avatars, or s3:// with a bucket and optionally a prefix, such as s3://weapp/avatars", |text| {
        let valid = match text.strip_prefix("s3://") {
            Some(bucket) => is_path(bucket) && bucket.find('/').unwrap_or(bucket.len()) >= 3,
            None => !text.contains([':', '\0']),
        };
        some_if(valid, text)
    };
    public_url -> String, "empty, or a scheme, a host and optionally a port and a path, such as https://api.example.com/avatars", |text| {
        if text.is_empty() { Some(String::new()) } else { base(text) }
    };
    bucket_secret -> BucketSecret, "a text", |text| Some(BucketSecret::new(text));
    base_url -> String, "a scheme, a host and optionally a port and a path, such as https://api.weixin.qq.com", base;
    proxy -> Option<ProxyUrl>, "empty, or http:// or https:// with a host, optionally a user, a password and a port, such as http://proxy.example.com:3128", |text| {
        if text.is_empty() { Some(None) } else { ProxyUrl::parse(text).map(Some) }
    };
    events_url -> String, "empty, or http:// or https:// with a host, without a user and a password, such as https://backend.example.com/events", |text| {
        some_if(text.is_empty() || page(text).is_some(), text)
    };
    events_secret -> EventsSecret, "whsec_ and the base64 of 24 to 64 bytes, as printed by: echo whsec_$(openssl rand -base64 32)", |text| {
        let key = text.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        let valid = key.is_some_and(|key| (24..=64).contains(&key.len()));
        (valid || text.is_empty()).then(|| EventsSecret::new(text))
    };
    // An empty AppID or AppSecret is not set.
    app_id -> AppId, "`wx` and 16 hexadecimal digits in lower case, as in 开发管理 (Development), 开发设置 (Settings) of mp.weixin.qq.com, and not the AppSecret", |text| {
        let digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let valid = text.strip_prefix("wx").is_some_and(|rest| rest.len() == 16 && rest.bytes().all(digit));
        (valid || text.is_empty()).then(|| AppId::new(text))
    };
    app_secret -> AppSecret, "32 hexadecimal digits, as in 开发管理 (Development), 开发设置 (Settings) of mp.weixin.qq.com", |text| {
        let valid = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (valid || text.is_empty()).then(|| AppSecret::new(text))
    };
}

list_rules! {
    targets -> LogTarget, "targets and levels such as weapp_login::store=debug", log_target;
    listen -> ListenAddress, "addresses such as 127.0.0.1:3000, localhost:3000, [::1]:3000 or unix:/run/weapp-login/http.sock", ListenAddress::parse;
    paths -> String, "paths that begin with a slash", |text| some_if(text.starts_with('/'), text);
    // Compared byte for byte with what browsers send, so a default port would never match.
    origins -> String, "origins as browsers send them, such as https://h5.example.com, and not `*`", |text| {
        some_if(page(text)?.origin().ascii_serialization() == text, text)
    };
    host_names -> String, "host names without scheme and port, such as demo.example.com", |text| {
        some_if(!text.is_empty() && consists_of(text, b"-."), text)
    };
    // Compared byte for byte with what the page sends.
    redirects -> String, "URLs of pages without a fragment, such as https://h5.example.com/login", |text| {
        some_if(page(text).is_some(), text)
    };
    trusted_proxies -> TrustedProxy, "IP addresses, networks such as 10.0.0.0/8, or unix", TrustedProxy::parse;
    // Characters that need no escaping in a form, a header or a list, and too many to guess.
    service_keys -> ServiceKey, "keys of 32 to 256 letters, digits, `-`, `.`, `_` and `~`", key;
    admin_keys -> AdminKey, "names and keys such as alice:KEY, with keys of 32 to 256 letters, digits, `-`, `.`, `_` and `~`", |text| {
        let (name, secret) = text.split_once(':')?;
        let name = some_if((1..=64).contains(&name.len()) && consists_of(name, b"-._"), name)?;
        Some(AdminKey { name, key: key(secret)? })
    };
    data_keys -> DataKey, "keys of 32 to 256 letters, digits, `-`, `.`, `_` and `~`, as printed by `openssl rand -hex 32`", |text| {
        key(text).map(|key| DataKey::new(key.expose()))
    };
}

fn key(text: &str) -> Option<ServiceKey> {
    let valid = (32..=256).contains(&text.len()) && consists_of(text, b"-._~");
    valid.then(|| ServiceKey::new(text))
}

/// Returns `true` if a base URL sends secrets to another machine without encryption.
pub(super) fn is_plain_http(base_url: &str) -> bool {
    let url = Url::parse(base_url)
        .ok()
        .filter(|url| url.scheme() == "http");
    let host = url
        .as_ref()
        .and_then(Url::host_str)
        .map(|host| host.trim_matches(['[', ']']));
    let is_local =
        |host| Host::parse(host).is_some_and(|host| host.ips().iter().all(IpAddr::is_loopback));
    host.is_some_and(|host| !is_local(host))
}

/// Parses `target=level`, `level`, or `target` for all its levels, as `RUST_LOG` does.
fn log_target(text: &str) -> Option<LogTarget> {
    let (name, level) = match text.trim().split_once('=') {
        Some((name, level)) => (Some(name), level.parse().ok()?),
        None => match text.trim().parse() {
            Ok(level) => (None, level),
            Err(_not_a_level) => (Some(text.trim()), LevelFilter::Trace),
        },
    };
    let valid = name.is_none_or(|name| !name.is_empty() && consists_of(name, b"_:-"));
    let name = name.map(str::to_owned);
    valid.then_some(LogTarget { name, level })
}

/// Parses the URL of a page or an endpoint, without a user, a password and a fragment.
///
/// [`Url`] corrects and accepts more than can be used: `https:host`, `https:///host` and `https://*.example.com`.
fn page(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let is_authority =
        !authority.is_empty() && !authority.ends_with(':') && consists_of(authority, b"-.:[]");
    let is_web = matches!(scheme, "http" | "https") && is_authority;
    let url = Url::parse(text).ok().filter(|_| is_web)?;
    let is_exact = url.fragment().is_none() && text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_exact && url.port() != Some(0)).then_some(url)
}

/// Returns the URL to which paths can be appended: a scheme, a host and optionally a port and a path, without a slash at the end.
fn base(text: &str) -> Option<String> {
    let base = text.strip_suffix('/').unwrap_or(text);
    let (_, rest) = base.split_once("://")?;
    let path = rest.split_once('/').map(|(_, path)| path);
    let valid = !base.contains('?') && path.is_none_or(is_path) && page(base).is_some();
    some_if(valid, base)
}

/// Returns the file of an `sqlite:` URL. `sqlite://data/weapp.db` and `sqlite:data/weapp.db` name the same, relative file.
pub(crate) fn sqlite_file(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite:")?;
    Some(rest.strip_prefix("//").unwrap_or(rest))
}

/// Returns `true` if an app may have this name. It must fit into a variable, a path and a log line.
pub(super) fn is_app_name(text: &str) -> bool {
    let valid = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(valid) && !text.contains("__")
}

/// Returns `true` for names that need no escaping, separated by single slashes.
fn is_path(text: &str) -> bool {
    let mut names = text.split('/');
    names.all(|name| !matches!(name, "" | "." | "..") && consists_of(name, b"-._~"))
}

/// Returns `true` if the text consists of ASCII letters, digits and these bytes.
fn consists_of(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    bytes.all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

fn some_if(valid: bool, text: &str) -> Option<String> {
    valid.then(|| text.to_owned())
}
