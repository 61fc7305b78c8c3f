//! Tests of the client's address: which header is believed, and which of its addresses.

use actix_web::test::TestRequest;

use super::*;
use crate::settings::Settings;

const PROXIES: &str = "10.0.0.0/8,2001:db8:a::/48,192.0.2.9,unix";

/// Returns the client of a request from this peer, with these headers, as the log shows it and as limits count it.
fn client(trusted: &str, peer: &str, headers: &[(&str, &str)]) -> [String; 2] {
    let environment = [("WEAPP_SERVER__TRUSTED_PROXIES", trusted)];
    let settings = Settings::load(environment, "no-such-folder".as_ref());
    let proxies = TrustedProxies::new(&settings.unwrap().settings.server.trusted_proxies);
    let mut request = TestRequest::default().app_data(proxies);
    if peer != "unix" {
        request = request.peer_addr(format!("{peer}:5000").parse().unwrap());
    }
    for header in headers {
        request = request.append_header(*header);
    }
    let client = ClientAddress::of(&request.to_http_request());
    let shown = |ip: Option<IpAddr>| ip.map_or_else(|| "-".to_owned(), |ip| ip.to_string());
    [shown(client.ip()), shown(client.limited())]
}

#[track_caller]
fn check(peer: &str, headers: &[(&str, &str)], expected: &str) {
    assert_eq!(
        client(PROXIES, peer, headers),
        [expected, expected],
        "{peer} {headers:?}"
    );
}

const XFF: &str = "x-forwarded-for";

#[test]
fn the_header_of_an_untrusted_peer_is_ignored() {
    for header in [(XFF, "203.0.113.1"), ("forwarded", "for=203.0.113.1")] {
        check("198.51.100.7", &[header], "198.51.100.7");
        let alone = client("", "127.0.0.1", &[header]);
        assert_eq!(alone, ["127.0.0.1", "127.0.0.1"]);
        assert_eq!(client("", "unix", &[header]), ["-", "-"]);
    }
}

#[test]
fn the_right_most_untrusted_address_is_the_client() {
    check("10.1.2.3", &[(XFF, "203.0.113.1")], "203.0.113.1");
    check("unix", &[(XFF, "203.0.113.1")], "203.0.113.1");
    check(
        "10.1.2.3",
        &[(XFF, "6.6.6.6, 203.0.113.1, 192.0.2.9 ,10.9.9.9")],
        "203.0.113.1",
    );
    check(
        "10.1.2.3",
        &[(XFF, "6.6.6.6"), (XFF, "203.0.113.1"), (XFF, "10.9.9.9")],
        "203.0.113.1",
    );
    check(
        "[2001:db8:a::1]",
        &[(XFF, "2001:db8:b::1")],
        "2001:db8:b::1",
    );
}

#[test]
fn the_header_of_rfc_7239_is_read() {
    for header in [
        "for=203.0.113.1",
        "For=203.0.113.1;proto=https;by=10.1.2.3",
        "proto=https; for=\"203.0.113.1:4711\", for=10.0.0.1",
        "for=6.6.6.6, for=203.0.113.1",
        // A quote that the client left open hides nothing.
        "for=\"6.6.6.6, for=203.0.113.1",
    ] {
        check("10.1.2.3", &[("forwarded", header)], "203.0.113.1");
    }
    let header = [("forwarded", "for=\"[2001:db8:b::17]:4711\"")];
    check("10.1.2.3", &header, "2001:db8:b::17");
}

#[test]
fn an_address_may_have_a_port_and_an_ipv4_address_may_be_mapped() {
    for text in [
        "203.0.113.1:80",
        "::ffff:203.0.113.1",
        "[::ffff:203.0.113.1]",
        "[::ffff:203.0.113.1]:80",
    ] {
        check("10.1.2.3", &[(XFF, text)], "203.0.113.1");
    }
    check("[::ffff:10.1.2.3]", &[(XFF, "203.0.113.1")], "203.0.113.1");
}

#[test]
fn after_an_unreadable_address_the_proxy_before_it_is_the_client() {
    for unreadable in ["unknown", "_hidden", "203.0.113", "1.2.3.4:x", "for"] {
        check("10.1.2.3", &[(XFF, unreadable)], "10.1.2.3");
        let list = format!("203.0.113.1, {unreadable}, 10.9.9.9");
        check("10.1.2.3", &[(XFF, &list)], "10.9.9.9");
        check("10.1.2.3", &[("forwarded", unreadable)], "10.1.2.3");
    }
}

#[test]
fn clients_with_two_headers_that_disagree_count_as_one() {
    let both = |xff, forwarded| [(XFF, xff), ("forwarded", forwarded)];
    check("10.1.2.3", &both("6.6.6.6", "for=203.0.113.1"), "10.1.2.3");
    check(
        "10.1.2.3",
        &both("203.0.113.1", "for=203.0.113.1"),
        "203.0.113.1",
    );
}

#[test]
fn a_trusted_proxy_itself_is_shown_but_not_limited() {
    assert_eq!(client(PROXIES, "10.1.2.3", &[]), ["10.1.2.3", "-"]);
    assert_eq!(client(PROXIES, "unix", &[]), ["-", "-"]);
    let inner = client(PROXIES, "10.1.2.3", &[(XFF, "10.0.0.1, 192.0.2.9, ,")]);
    assert_eq!(inner, ["10.0.0.1", "-"]);
}
