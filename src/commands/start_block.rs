//! What a newcomer reads first: what was started, how, where, and one line to try it.
//!
//! Knows the facts as text. Never knows how they came about.

use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// The facts of a start.
pub(crate) struct StartBlock<'a> {
    pub(crate) profile: &'a str,
    pub(crate) address: SocketAddr,
    /// Whether the socket was handed over.
    pub(crate) inherited: bool,
    pub(crate) sources: &'a [String],
    pub(crate) database: &'a str,
    pub(crate) simulated: bool,
    /// Whether a person reads it at a terminal: then it has several lines.
    pub(crate) for_people: bool,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl fmt::Display for StartBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = self.facts();
        if self.for_people {
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

impl StartBlock<'_> {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let url = url(self.address);
        let mut facts = vec![("listening", url.clone())];
        facts.extend(
            self.on_the_lan()
                .map(|address| ("on your LAN", format!("http://{address}"))),
        );
        if self.inherited {
            let fact = "inherited; `server.host` and `server.port` are not looked at";
            facts.push(("socket", fact.to_owned()));
        }
        facts.push(("configuration", self.sources.join(", ")));
        facts.push(("database", self.database.to_owned()));
        if self.simulated {
            facts.push((
                "WeChat",
                "SIMULATED, as no AppID is set: anybody can log in. Not for real users!".to_owned(),
            ));
            let body = r#"'{"code":"the code is a mock one"}'"#;
            let header = "'content-type: application/json'";
            facts.push(("try", format!("curl -H {header} -d {body} {url}/login")));
        } else {
            facts.push(("try", format!("curl {url}/readyz")));
        }
        facts
    }

    /// Where other machines, such as a phone, find a server that listens beyond loopback.
    fn on_the_lan(&self) -> Option<SocketAddr> {
        match self.address.ip() {
            ip if ip.is_loopback() => None,
            ip if ip.is_unspecified() => {
                own_address().map(|ip| SocketAddr::new(ip, self.address.port()))
            }
            _ => Some(self.address),
        }
    }
}

/// The address to call from this machine.
fn url(address: SocketAddr) -> String {
    let ip = address.ip();
    if ip.is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// The address that this machine has in its network. Asks the routing table and sends nothing: the address that is
/// "connected" to is reserved for documentation (RFC 5737).
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(address: &str, simulated: bool, for_people: bool) -> String {
        let block = StartBlock {
            profile: "development",
            address: address.parse().unwrap(),
            inherited: false,
            sources: &["built-in defaults".to_owned(), "PORT".to_owned()],
            database: "data/weapp.db",
            simulated,
            for_people,
        };
        block.to_string()
    }

    #[test]
    fn people_get_a_block() {
        assert_eq!(
            block("127.0.0.1:3000", true, true),
            format!(
                "weapp-login {VERSION}, development profile
  listening      http://127.0.0.1:3000
  configuration  built-in defaults, PORT
  database       data/weapp.db
  WeChat         SIMULATED, as no AppID is set: anybody can log in. Not for real users!
  try            curl -H 'content-type: application/json' -d '{{\"code\":\"the code is a mock one\"}}' http://127.0.0.1:3000/login
"
            )
        );
    }

    #[test]
    fn machines_get_a_line() {
        assert_eq!(
            block("127.0.0.1:80", false, false),
            format!(
                "weapp-login {VERSION}, development profile; listening: http://127.0.0.1:80; configuration: built-in \
                 defaults, PORT; database: data/weapp.db; try: curl http://127.0.0.1:80/readyz\n"
            )
        );
    }

    #[test]
    fn a_server_that_other_machines_reach_says_where() {
        assert!(
            block("192.0.2.7:3000", true, true).contains("on your LAN    http://192.0.2.7:3000")
        );
        assert!(block("0.0.0.0:3000", true, true).contains("listening      http://127.0.0.1:3000"));
    }
}
