//! The rules for values, each a function for `#[serde(deserialize_with)]`.
//!
//! The error of a rule completes the sentence "the setting must be …".

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use log::LevelFilter;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::identity::{
    AdminKey, AppId, AppSecret, BucketSecret, DataKey, EventsSecret, ServiceKey, StorePassword,
};
use crate::settings::address::ListenAddress;
use crate::settings::values::{LogTarget, ProxyUrl, TrustedProxy};

/// Deserializes a whole number from `MIN` to `MAX`.
pub(super) fn within<'de, const MIN: i64, const MAX: i64, D, N>(
    deserializer: D,
) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    let number = i64::deserialize(deserializer)?;
    match N::try_from(number) {
        Ok(valid) if (MIN..=MAX).contains(&number) => Ok(valid),
        _ if number < MIN => Err(D::Error::custom(format!("at least {MIN}"))),
        _ => Err(D::Error::custom(format!("at most {MAX}"))),
    }
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
    host -> IpAddr, "an IP address such as 127.0.0.1 or 0.0.0.0, or localhost", ip_address;
    level -> LevelFilter, "one of off, error, warn, info, debug, trace", |text| {
        text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    metrics_path -> String, "a path such as /metrics, of letters, digits, `-`, `_`, `.` and slashes", |text| {
        some_if(text.len() > 1 && text.starts_with('/') && consists_of(text, b"/-_."), text)
    };
    base_path -> String, "empty, or a path such as /api, of letters, digits, `-`, `_`, `.`, `~` and slashes", |text| {
        let path = text.strip_suffix('/').unwrap_or(text);
        let mut segments = path.split('/').skip(1);
        let valid = segments.all(|name| !matches!(name, "" | "." | "..") && consists_of(name, b"-_.~"));
        some_if(path.is_empty() || path.starts_with('/') && valid, path)
    };
    token_header -> String, "empty, or the name of a header of letters, digits and `-`, such as X-Token, and not Authorization", |text| {
        some_if(consists_of(text, b"-") && !text.eq_ignore_ascii_case("authorization"), text)
    };
    store_url -> String, "sqlite:// and a file, such as sqlite://data/weapp.db, or postgres:// and a host without a password, such as postgres://weapp@db/weapp", |text| {
        let valid = |file: &str| !file.is_empty() && !file.ends_with('/') && !file.contains([':', '?', '#', '\0']);
        some_if(sqlite_file(text).is_some_and(valid) || is_postgres(text), text)
    };
    store_password -> StorePassword, "a text", |text| Some(StorePassword::new(text));
    avatar_store -> String, "empty, a folder such as data/avatars, or s3:// with a bucket and optionally a prefix, such as s3://weapp/avatars", |text| {
        let valid = match text.strip_prefix("s3://") {
            Some(bucket) => host_of(bucket).is_some_and(|name| !bucket.contains(':') && name.len() >= 3),
            None => !text.contains([':', '\0']),
        };
        some_if(valid, text)
    };
    public_url -> String, "empty, or a scheme, a host and optionally a port and a path, such as https://api.example.com/avatars", |text| {
        let url = text.strip_suffix('/').unwrap_or(text);
        let base = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        some_if(text.is_empty() || base.and_then(host_of).is_some(), url)
    };
    bucket_secret -> BucketSecret, "a text", |text| Some(BucketSecret::new(text));
    base_url -> String, "a scheme, a host and optionally a port and a path, such as https://api.weixin.qq.com", |text| {
        let url = text.strip_suffix('/').unwrap_or(text);
        let base = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        some_if(base.and_then(host_of).is_some(), url)
    };
    proxy -> Option<ProxyUrl>, "empty, or http:// or https:// with a host, optionally a user, a password and a port, such as http://proxy.example.com:3128", |text| {
        if text.is_empty() { Some(None) } else { ProxyUrl::parse(text).map(Some) }
    };
    events_url -> String, "empty, or http:// or https:// with a host, without a user and a password, such as https://backend.example.com/events", |text| {
        let base = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let base = base.map(|base| base.split(['?', '#']).next().unwrap_or_default());
        some_if(text.is_empty() || base.and_then(host_of).is_some() && !text.contains(['#', ' ']), text)
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
        let (scheme, host) = text.split_once("://").unwrap_or_default();
        let is_default = match scheme {
            "https" => host.ends_with(":443"),
            "http" => host.ends_with(":80"),
            _ => true,
        };
        let is_exact = !host.contains('/') && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        some_if(host_of(host).is_some() && is_exact && !is_default, text)
    };
    host_names -> String, "host names without scheme and port, such as demo.example.com", |text| {
        some_if(host_of(text) == Some(text), text)
    };
    // Compared byte for byte with what the page sends.
    redirects -> String, "URLs of pages without a fragment, such as https://h5.example.com/login", |text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let page = rest.split('?').next()?;
        let sound = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        some_if(sound && host_of(page.split('/').next()?).is_some(), text)
    };
    trusted_proxies -> TrustedProxy, "IP addresses, networks such as 10.0.0.0/8, or unix", TrustedProxy::parse;
    // Characters that need no escaping in a form, a header or a list, and too many to guess.
    service_keys -> ServiceKey, "keys of 32 to 256 letters, digits, `-`, `.`, `_` and `~`", key;
    admin_keys -> AdminKey, "names and keys such as alice:KEY, with keys of 32 to 256 letters, digits, `-`, `.`, `_` and `~`", |text| {
        let (name, secret) = text.split_once(':')?;
        let valid = (1..=64).contains(&name.len()) && consists_of(name, b"-._");
        let name = some_if(valid, name)?;
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
    let host = base_url.strip_prefix("http://").and_then(host_of);
    let local = |host| ip_address(host).is_some_and(|address| address.is_loopback());
    host.is_some_and(|host| !local(host))
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

/// Returns the host of `host`, `host:port`, `[address]` or `[address]:port`, each with or without a path.
fn host_of(base: &str) -> Option<&str> {
    let (authority, path) = base.split_at(base.find('/').unwrap_or(base.len()));
    let (host, port, is_host) = if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, port) = bracketed.split_once(']')?;
        (host, port, host.parse::<Ipv6Addr>().is_ok())
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        (host, port, !host.is_empty() && consists_of(host, b"-."))
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_segment = |text: &str| !matches!(text, "" | "." | "..") && consists_of(text, b"-._~");
    let valid = is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    (valid && path.split('/').skip(1).all(is_segment)).then_some(host)
}

/// Parses an IP address. `localhost` means 127.0.0.1.
fn ip_address(text: &str) -> Option<IpAddr> {
    match text {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        address => address.parse().ok(),
    }
}

/// Returns the file of an `sqlite:` URL. `sqlite://data/weapp.db` and `sqlite:data/weapp.db` name the same, relative file.
pub(super) fn sqlite_file(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite:")?;
    Some(rest.strip_prefix("//").unwrap_or(rest))
}

/// Returns `true` for the URL of a PostgreSQL database without a password: URLs are printed. The store checks the rest.
fn is_postgres(url: &str) -> bool {
    let rest = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"));
    let user = |rest: &str| {
        rest.rsplit_once('@')
            .map_or(String::new(), |(user, _)| user.into())
    };
    rest.is_some_and(|rest| {
        !rest.is_empty() && !user(rest).contains(':') && !rest.contains("password=")
    })
}

/// Returns `true` if an app may have this name. It must fit into a variable, a path and a log line.
pub(super) fn is_app_name(text: &str) -> bool {
    let valid = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(valid) && !text.contains("__")
}

fn some_if(valid: bool, text: &str) -> Option<String> {
    valid.then(|| text.to_owned())
}

/// Returns `true` if the text consists of ASCII letters, digits and these bytes.
fn consists_of(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    bytes.all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}
