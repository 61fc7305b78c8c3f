//! The startup banner: version, profile, address, sources of the settings, and a command to try.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use weapp_login::console::ConsoleKey;
use weapp_login::settings::{Loaded, LogStyle};
use weapp_login::{Console, Parts};

use crate::commands::listener::{Address, Listeners};

/// Prints the banner to standard output: several lines on a terminal, else one. With `log.style = "json"` it is a log line.
pub(crate) fn print(loaded: &Loaded, listeners: &Listeners, parts: &Parts) -> io::Result<()> {
    let mut out = io::stdout();
    let json = loaded.settings.log.style == LogStyle::Json;
    let banner = Banner {
        profile: loaded.settings.profile.name(),
        addresses: listeners.addresses()?,
        base_path: &loaded.settings.server.base_path,
        inherited: listeners.inherited,
        sources: &loaded.sources,
        database: loaded.settings.store.name(),
        simulated: loaded.settings.simulated(),
        console_key: parts
            .console()
            .and_then(Console::key)
            .map(ConsoleKey::expose),
        multiline: out.is_terminal() && !json,
    };
    if json {
        log::info!("{}", banner.to_string().trim_end());
        return Ok(());
    }
    out.write_all(banner.to_string().as_bytes())
}

struct Banner<'a> {
    profile: &'a str,
    addresses: Vec<Address>,
    base_path: &'a str,
    inherited: bool,
    sources: &'a [String],
    database: &'a str,
    simulated: bool,
    console_key: Option<&'a str>,
    multiline: bool,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = self.facts();
        if self.multiline {
            writeln!(f, "weapp-login {VERSION}, {} profile", self.profile)?;
            return facts
                .iter()
                .try_for_each(|(name, fact)| writeln!(f, "  {name:<14} {fact}"));
        }
        write!(f, "weapp-login {VERSION}, {} profile", self.profile)?;
        facts
            .iter()
            .try_for_each(|(name, fact)| write!(f, "; {name}: {fact}"))?;
        writeln!(f)
    }
}

impl Banner<'_> {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let urls: Vec<_> = self.addresses.iter().map(url).collect();
        let mut facts = vec![("listening", urls.join(", "))];
        facts.extend(
            self.lan_address()
                .map(|address| ("on your LAN", format!("http://{address}"))),
        );
        if self.inherited {
            let fact = "inherited; `server.listen`, `server.host` and `server.port` are ignored";
            facts.push(("socket", fact.to_owned()));
        }
        facts.extend(self.console().map(|address| ("console", address)));
        facts.push(("configuration", self.sources.join(", ")));
        facts.push(("database", self.database.to_owned()));
        if self.simulated {
            facts.push((
                "WeChat",
                "SIMULATED, because no AppID is set: everyone can log in. Not for real users!"
                    .to_owned(),
            ));
            let body = r#"'{"code":"the code is a mock one"}'"#;
            let header = "'content-type: application/json'";
            let target = self.curl_target("login");
            facts.push(("try", format!("curl -H {header} -d {body} {target}")));
            let target = self.curl_target("simulator/users/mei/login-code");
            facts.push(("a login code", format!("curl -d '' {target}")));
        } else {
            facts.push(("try", format!("curl {}", self.curl_target("readyz"))));
        }
        facts
    }

    /// Returns the address of the console, with its key if other machines, or the port map of a container, can reach the server.
    fn console(&self) -> Option<String> {
        let key = self.console_key?;
        let tcp = self.addresses.iter().find_map(|address| match address {
            Address::Tcp(tcp) => Some(*tcp),
            Address::Unix(_) => None,
        })?;
        let is_local = |address: &Address| match address {
            Address::Tcp(tcp) => tcp.ip().is_loopback(),
            Address::Unix(_) => true,
        };
        let query = if self.addresses.iter().all(is_local) {
            String::new()
        } else {
            format!("?key={key}")
        };
        let host = match tcp.ip() {
            ip if ip.is_loopback() || ip.is_unspecified() => format!("localhost:{}", tcp.port()),
            _ => tcp.to_string(),
        };
        Some(format!("http://{host}{}/{query}", self.base_path))
    }

    /// Returns the address for other devices in the network, unless the server listens on loopback only.
    fn lan_address(&self) -> Option<SocketAddr> {
        self.addresses.iter().find_map(|address| match address {
            Address::Tcp(address) if address.ip().is_loopback() => None,
            Address::Tcp(address) if address.ip().is_unspecified() => {
                local_address().map(|ip| SocketAddr::new(ip, address.port()))
            }
            Address::Tcp(address) => Some(*address),
            Address::Unix(_) => None,
        })
    }

    /// Returns the arguments of curl for a path of the server.
    fn curl_target(&self, path: &str) -> String {
        let base = self.base_path;
        match self.addresses.first() {
            Some(Address::Unix(socket)) => {
                let socket = socket.display();
                format!("--unix-socket {socket} http://localhost{base}/{path}")
            }
            Some(address @ Address::Tcp(_)) => format!("{}{base}/{path}", url(address)),
            None => String::new(),
        }
    }
}

/// Returns the URL for clients on this machine.
fn url(address: &Address) -> String {
    match address {
        Address::Tcp(address) if address.ip().is_unspecified() => {
            format!("http://127.0.0.1:{}", address.port())
        }
        Address::Tcp(address) => format!("http://{address}"),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// Returns the network address of this machine. It looks at the routing table only and sends nothing: the address that it
/// "connects" to is reserved for documentation (RFC 5737).
pub(crate) fn local_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(address: &str, simulated: bool, multiline: bool) -> String {
        let banner = Banner {
            profile: "development",
            addresses: vec![Address::Tcp(address.parse().unwrap())],
            base_path: "",
            inherited: false,
            sources: &["built-in defaults".to_owned(), "PORT".to_owned()],
            database: "data/weapp.db",
            simulated,
            console_key: simulated.then_some("c0ffee"),
            multiline,
        };
        banner.to_string()
    }

    #[test]
    fn a_terminal_gets_several_lines() {
        assert_eq!(
            banner("127.0.0.1:3000", true, true),
            format!(
                "weapp-login {VERSION}, development profile
  listening      http://127.0.0.1:3000
  console        http://localhost:3000/
  configuration  built-in defaults, PORT
  database       data/weapp.db
  WeChat         SIMULATED, because no AppID is set: everyone can log in. Not for real users!
  try            curl -H 'content-type: application/json' -d '{{\"code\":\"the code is a mock one\"}}' http://127.0.0.1:3000/login
  a login code   curl -d '' http://127.0.0.1:3000/simulator/users/mei/login-code
"
            )
        );
    }

    #[test]
    fn other_output_gets_one_line() {
        assert_eq!(
            banner("127.0.0.1:80", false, false),
            format!(
                "weapp-login {VERSION}, development profile; listening: http://127.0.0.1:80; configuration: built-in \
                 defaults, PORT; database: data/weapp.db; try: curl http://127.0.0.1:80/readyz\n"
            )
        );
    }

    #[test]
    fn a_server_that_listens_beyond_loopback_prints_its_network_address() {
        assert!(
            banner("192.0.2.7:3000", true, true).contains("on your LAN    http://192.0.2.7:3000")
        );
        assert!(
            banner("0.0.0.0:3000", true, true).contains("listening      http://127.0.0.1:3000")
        );
    }

    #[test]
    fn the_console_needs_its_key_if_other_machines_reach_the_server() {
        for (listening, host) in [
            ("0.0.0.0:3000", "localhost:3000"),
            ("192.0.2.7:3000", "192.0.2.7:3000"),
        ] {
            let address = format!("console        http://{host}/?key=c0ffee\n");
            assert!(banner(listening, true, true).contains(&address), "{host}");
        }
        assert!(!banner("0.0.0.0:3000", false, true).contains("console"));
    }
}
