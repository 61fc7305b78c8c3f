//! The text that `simulate` prints at the start.

use std::fmt;
use std::net::SocketAddr;

use wechat_simulator::API_HOSTS;

/// Addresses, credentials and commands to try.
pub(super) struct Announcement<'a> {
    /// The URL for backends. If the simulator listens on all addresses, it has that of this machine in the network.
    pub(super) base_url: &'a str,
    /// If `true`, other machines can reach it.
    pub(super) exposed: bool,
    pub(super) app_id: &'a str,
    /// `None` if it was given as an option.
    pub(super) app_secret: Option<&'a str>,
    /// `None` without a TLS port.
    pub(super) trust: Option<&'a Trust>,
    /// If `true`, it has several lines.
    pub(super) is_terminal: bool,
}

/// The TLS port, and the certificate that clients must trust.
pub(super) struct Trust {
    pub(super) address: SocketAddr,
    /// The absolute path of `ca.pem`.
    pub(super) authority: String,
}

impl Trust {
    /// Returns the line for the hosts file, and for each language the variables or options of an unchanged program.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let Self { address, authority } = self;
        let ca = if authority.contains(' ') {
            format!("'{authority}'")
        } else {
            authority.clone()
        };
        let store = "wechat-truststore.p12 -storepass changeit";
        vec![
            ("TLS", format!("https://{address}")),
            ("hosts", format!("{} {}", address.ip(), API_HOSTS.join(" "))),
            ("Node", format!("NODE_EXTRA_CA_CERTS={ca} node …")),
            (
                "Python",
                format!("REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca} python …"),
            ),
            (
                "PHP",
                format!("php -d curl.cainfo={ca} -d openssl.cafile={ca} …"),
            ),
            ("Go", format!("SSL_CERT_FILE={ca} go run …")),
            (
                "Java",
                format!(
                    "keytool -importcert -noprompt -alias wechat -file {ca} -keystore {store} && \
                     java -Djavax.net.ssl.trustStore=wechat-truststore.p12 -Djavax.net.ssl.trustStorePassword=changeit …"
                ),
            ),
            (
                "Rust",
                format!("SSL_CERT_FILE={ca} cargo run, with native-tls or the platform's roots"),
            ),
            (
                "curl",
                format!("curl --cacert {ca} https://{}/…", API_HOSTS[0]),
            ),
        ]
    }
}

impl Announcement<'_> {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let Self {
            base_url, app_id, ..
        } = self;
        let secret = self.app_secret.unwrap_or("as given");
        let shown = self.app_secret.unwrap_or("…");
        // Without this setting, a backend rejects an http URL of another machine.
        let plain_http = if self.exposed {
            "WEAPP_WECHAT__ALLOW_PLAIN_HTTP=true "
        } else {
            ""
        };
        let backend = format!(
            "WEAPP_WECHAT__BASE_URL={base_url} {plain_http}WEAPP_APPS__MAIN__APP_ID={app_id} \
             WEAPP_APPS__MAIN__APP_SECRET={shown} weapp-login"
        );
        let code = format!("curl -X POST {base_url}/simulator/users/mei/login-code");
        let mut rows = vec![
            ("listening", (*base_url).to_owned()),
            ("AppID", (*app_id).to_owned()),
            ("AppSecret", secret.to_owned()),
            ("a backend", backend),
            ("a code", code),
        ];
        rows.extend(self.trust.map(Trust::rows).unwrap_or_default());
        rows
    }
}

impl fmt::Display for Announcement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let version = env!("CARGO_PKG_VERSION");
        if self.is_terminal {
            writeln!(f, "weapp-login {version}, WeChat simulator")?;
            return rows
                .iter()
                .try_for_each(|(name, value)| writeln!(f, "  {name:<10} {value}"));
        }
        write!(f, "weapp-login {version}, WeChat simulator")?;
        rows.iter()
            .try_for_each(|(name, value)| write!(f, "; {name}: {value}"))?;
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement<'a>(app_secret: Option<&'a str>, trust: Option<&'a Trust>) -> Announcement<'a> {
        Announcement {
            base_url: "http://127.0.0.1:3100",
            exposed: false,
            app_id: "wx0",
            app_secret,
            trust,
            is_terminal: true,
        }
    }

    #[test]
    fn a_terminal_gets_several_lines() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            announcement(Some("s3"), None).to_string(),
            format!(
                "weapp-login {version}, WeChat simulator
  listening  http://127.0.0.1:3100
  AppID      wx0
  AppSecret  s3
  a backend  WEAPP_WECHAT__BASE_URL=http://127.0.0.1:3100 WEAPP_APPS__MAIN__APP_ID=wx0 WEAPP_APPS__MAIN__APP_SECRET=s3 weapp-login
  a code     curl -X POST http://127.0.0.1:3100/simulator/users/mei/login-code
"
            )
        );
    }

    #[test]
    fn other_output_is_one_line_and_a_given_secret_is_not_printed() {
        let line = Announcement {
            is_terminal: false,
            ..announcement(None, None)
        };
        let line = line.to_string();
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains("; AppSecret: as given; "), "{line}");
    }

    #[test]
    fn with_tls_there_is_a_line_for_the_hosts_file_and_for_each_language() {
        let trust = Trust {
            address: "127.0.0.2:443".parse().unwrap(),
            authority: "/my ca/ca.pem".to_owned(),
        };
        let text = announcement(None, Some(&trust)).to_string();
        let (_, lines) = text.split_once("  TLS        ").unwrap();
        assert_eq!(
            lines,
            "https://127.0.0.2:443
  hosts      127.0.0.2 api.weixin.qq.com api2.weixin.qq.com sh.api.weixin.qq.com sz.api.weixin.qq.com hk.api.weixin.qq.com open.weixin.qq.com
  Node       NODE_EXTRA_CA_CERTS='/my ca/ca.pem' node …
  Python     REQUESTS_CA_BUNDLE='/my ca/ca.pem' SSL_CERT_FILE='/my ca/ca.pem' python …
  PHP        php -d curl.cainfo='/my ca/ca.pem' -d openssl.cafile='/my ca/ca.pem' …
  Go         SSL_CERT_FILE='/my ca/ca.pem' go run …
  Java       keytool -importcert -noprompt -alias wechat -file '/my ca/ca.pem' -keystore wechat-truststore.p12 -storepass changeit && java -Djavax.net.ssl.trustStore=wechat-truststore.p12 -Djavax.net.ssl.trustStorePassword=changeit …
  Rust       SSL_CERT_FILE='/my ca/ca.pem' cargo run, with native-tls or the platform's roots
  curl       curl --cacert '/my ca/ca.pem' https://api.weixin.qq.com/…
"
        );
    }
}
