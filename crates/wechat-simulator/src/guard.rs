//! The guard against web pages: rejects requests that a browser sends on behalf of a foreign page.
//!
//! The simulator logs in everyone and shows AppSecrets, and a browser lets any page send requests to this machine. The page
//! of an attacker is recognized by the headers that the browser adds: `Origin`, `Sec-Fetch-Site` and, if the page's own name
//! resolves to this machine (DNS rebinding), `Host`.

use std::net::IpAddr;

/// The site on which DevTools and WeChat run mini programs.
const MINI_PROGRAMS: &str = "servicewechat.com";

/// Decides which requests may give commands, by their `Host`, `Origin` and `Sec-Fetch-Site` headers.
///
/// ```
/// use wechat_simulator::{Foreign, Guard};
///
/// let guard = Guard::new(["wechat.test"]);
/// let check = |headers: &[(&str, &str)]| {
///     guard.check(headers.iter().map(|(name, value)| (*name, value.as_bytes())))
/// };
/// assert_eq!(check(&[("Host", "localhost:3100")]), Ok(()));
/// assert_eq!(check(&[("Host", "wechat.test:3100")]), Ok(()));
/// assert_eq!(check(&[("Host", "evil.example")]), Err(Foreign::Host));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Guard {
    names: Vec<String>,
}

/// The header that shows that a request is a foreign page's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// `Host` is a name with a dot, and not an allowed one.
    #[error("its Host is a foreign name")]
    Host,
    /// `Origin` is neither a page of this machine or network, nor of the request's host, nor of an allowed name.
    #[error("its Origin is a foreign page")]
    Origin,
    /// `Sec-Fetch-Site` is `cross-site`, and there is no `Origin`.
    #[error("its Sec-Fetch-Site is cross-site")]
    Site,
}

impl Guard {
    /// Allows these host names, without ports, in addition to IP addresses, `localhost` and names without a dot, such as
    /// those of containers, which no public site has.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter();
        let names = names.map(|name| name.as_ref().to_ascii_lowercase());
        Self {
            names: names.collect(),
        }
    }

    /// Checks the headers of a request, given as names and values. A request without any of the three headers is not a
    /// browser's, and passes.
    ///
    /// # Errors
    /// [`Foreign`] names the header by which the request is rejected.
    pub fn check<'a>(
        &self,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), Foreign> {
        let (mut hosts, mut origins, mut is_cross_site) = (Vec::new(), Vec::new(), false);
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("host") {
                hosts.push(host_of(value));
            } else if name.eq_ignore_ascii_case("origin") {
                origins.push(origin_of(value));
            } else if name.eq_ignore_ascii_case("sec-fetch-site") {
                is_cross_site |= value.eq_ignore_ascii_case(b"cross-site");
            }
        }
        if !hosts.iter().flatten().all(|host| self.allows_host(host)) || hosts.contains(&None) {
            return Err(Foreign::Host);
        }
        let is_known = |origin: &Option<String>| {
            let host = origin.as_ref();
            host.is_some_and(|host| self.allows_page(host) || hosts.contains(origin))
        };
        if !origins.iter().all(is_known) {
            return Err(Foreign::Origin);
        }
        if is_cross_site && origins.is_empty() {
            return Err(Foreign::Site);
        }
        Ok(())
    }

    /// An address cannot be rebound: a page that was loaded from it has it in its `Origin`.
    fn allows_host(&self, host: &str) -> bool {
        address(host).is_some() || is_local_name(host) || self.allows_name(host)
    }

    fn allows_page(&self, host: &str) -> bool {
        let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
        address(host).is_some_and(is_loopback)
            || is_local_name(host)
            || host == MINI_PROGRAMS
            || self.allows_name(host)
    }

    fn allows_name(&self, host: &str) -> bool {
        self.names.iter().any(|name| name == host)
    }
}

/// Returns `true` for a name that no public site has. A browser never sends an empty one.
fn is_local_name(host: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    host.ends_with(".localhost") || host.bytes().all(is_valid)
}

fn address(host: &str) -> Option<IpAddr> {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bracketed.unwrap_or(host).parse().ok()
}

/// Returns the host of `Host: host:port`, in lower case. `None` if it is malformed.
fn host_of(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?.trim();
    let end = match value.find(']') {
        Some(bracket) => bracket + 1,
        None => value.find(':').unwrap_or(value.len()),
    };
    let (host, port) = value.split_at_checked(end)?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let has_valid_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    has_valid_port.then_some(host)
}

/// Returns the host of `Origin: scheme://host:port`. `None` for `null`, which a sandboxed page sends.
fn origin_of(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?;
    let (_, host) = value.trim().split_once("://")?;
    host_of(host.as_bytes()).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: Result<(), Foreign>) {
        let guard = Guard::new(["WeChat.test"]);
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()));
        assert_eq!(guard.check(headers), expected);
    }

    #[test]
    fn addresses_local_names_and_allowed_names_are_hosts() {
        for host in [
            "localhost",
            "LOCALHOST:3100",
            "app.localhost:3100",
            "localhost.",
            "weapp-login:3000",
            "127.0.0.1:3100",
            "192.168.1.5:3000",
            "[::1]:3100",
            "wechat.test:443",
        ] {
            check(&[("host", host)], Ok(()));
        }
        check(&[], Ok(()));
    }

    #[test]
    fn other_names_are_foreign_hosts() {
        for host in [
            "evil.example",
            "api.weixin.qq.com",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:3100",
            "localhost:3100:evil",
            "localhost@evil.example",
            "[::1]evil.example",
        ] {
            check(&[("Host", host)], Err(Foreign::Host));
        }
        check(
            &[("Host", "localhost"), ("Host", "evil.example")],
            Err(Foreign::Host),
        );
    }

    #[test]
    fn only_pages_of_this_machine_of_the_host_and_of_mini_programs_are_known() {
        let host = ("Host", "192.168.1.5:3000");
        for origin in [
            "http://localhost:5173",
            "http://127.0.0.1:5173",
            "http://[::1]:5173",
            "http://192.168.1.5:5173",
            "https://servicewechat.com",
            "https://wechat.test",
            "http://console:8080",
        ] {
            check(&[host, ("Origin", origin)], Ok(()));
            let site = ("Sec-Fetch-Site", "cross-site");
            check(&[host, ("Origin", origin), site], Ok(()));
        }
        for origin in [
            "https://evil.example",
            "http://192.168.1.9:5173",
            "null",
            "",
            "https://localhost.evil.example",
            "https://evil.example/localhost",
        ] {
            check(&[host, ("origin", origin)], Err(Foreign::Origin));
        }
    }

    #[test]
    fn a_cross_site_request_without_an_origin_is_foreign() {
        let host = ("host", "localhost");
        check(
            &[host, ("sec-fetch-site", "cross-site")],
            Err(Foreign::Site),
        );
        for site in ["none", "same-origin", "same-site"] {
            check(&[host, ("sec-fetch-site", site)], Ok(()));
        }
    }
}
