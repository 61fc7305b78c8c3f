//! Tests of the client's address and of the limits.

use crate::harness::Folder;
use crate::server::Binary;

/// Returns the access log of one request with forwarded addresses.
fn access_log(trusted_proxies: &str) -> String {
    let folder = Folder::new();
    let mut server = Binary::start(
        &folder,
        &[
            ("WEAPP_LOG__FORMAT", "client :remote-addr :status"),
            ("WEAPP_SERVER__TRUSTED_PROXIES", trusted_proxies),
        ],
    );
    let mut connection = server.connect();
    connection.send(
        b"GET /nope HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 6.6.6.6, 203.0.113.1\r\n\r\n",
    );
    connection.reply().unwrap();
    server.signal("TERM");
    assert!(server.wait().success());
    server.output()
}

#[test]
fn the_access_log_shows_the_client_that_a_trusted_proxy_reports() {
    for (trusted, line) in [
        ("127.0.0.0/8", "client 203.0.113.1 404\n"),
        ("10.0.0.0/8", "client 127.0.0.1 404\n"),
    ] {
        let log = access_log(trusted);
        assert!(log.contains(line), "{log}");
    }
}
