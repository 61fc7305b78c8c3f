//! The reason and the fix for an address on which the process cannot listen.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

/// Explains the failure. `port` and `host` are the beginnings of the options that choose the address, such as
/// `WEAPP_SERVER__PORT=`.
pub(crate) fn explain(error: &Error, address: SocketAddr, port: &str, host: &str) -> String {
    let next = address.port().checked_add(1).unwrap_or(3000);
    let is = |kind| error.kind() == kind;
    let (reason, hint) = if is(ErrorKind::AddrInUse) {
        (
            "another process is already listening there",
            format!("stop that process, or choose another port, as in {port}{next}"),
        )
    } else if is(ErrorKind::PermissionDenied) {
        (
            "this user may not use the port",
            format!(
                "choose a port above 1023, as in {port}3000, or allow the process to use it, for example with \
                 AmbientCapabilities=CAP_NET_BIND_SERVICE in its systemd unit"
            ),
        )
    } else if is(ErrorKind::AddrNotAvailable) {
        (
            "this machine has no such address",
            format!("choose an address of this machine, or {host}0.0.0.0 for all of them"),
        )
    } else if address.is_ipv6() {
        (
            "the system rejects the address",
            format!("if IPv6 is off on this machine, choose an IPv4 address, as in {host}0.0.0.0"),
        )
    } else {
        (
            "the system rejects the address",
            format!("choose another one, as in {host}127.0.0.1"),
        )
    };
    format!("{reason} ({error})\n  hint: {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: ErrorKind, address: &str, reason: &str, hint: &str) {
        let address = address.parse().unwrap();
        let text = explain(&kind.into(), address, "--port ", "--host ");
        let (first, second) = text.split_once("\n  hint: ").unwrap();
        assert!(first.starts_with(reason), "{text}");
        assert!(second.contains(hint), "{text}");
        let stops = second.contains("stop that process");
        assert_eq!(stops, kind == ErrorKind::AddrInUse, "{text}");
    }

    #[test]
    fn each_reason_has_its_own_hint() {
        let any = "127.0.0.1:80";
        check(ErrorKind::AddrInUse, any, "another process", "--port 81");
        check(
            ErrorKind::AddrInUse,
            "[::1]:65535",
            "another",
            "--port 3000",
        );
        check(ErrorKind::PermissionDenied, any, "this user", "--port 3000");
        check(
            ErrorKind::PermissionDenied,
            any,
            "this user",
            "CAP_NET_BIND_SERVICE",
        );
        check(
            ErrorKind::AddrNotAvailable,
            any,
            "this machine",
            "--host 0.0.0.0",
        );
        check(ErrorKind::Unsupported, "[::]:80", "the system", "IPv6");
        check(ErrorKind::Other, any, "the system", "--host 127.0.0.1");
    }
}
