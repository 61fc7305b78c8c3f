//! Whom the client trusts.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection};

use crate::platforms::wechat::Client;
use crate::platforms::wechat::tests::{CONNECT, WHOLE, config, log_in_with};
use crate::platforms::{ConnectError, Error};

/// For `127.0.0.1`, valid until 2126. Made for this test, and of no use elsewhere.
const CERTIFICATE: &str = "MIIBjjCCATOgAwIBAgIUNVWjTvHGSjnDT1PWzNbKa3i02CMwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMzE0NDMyNloYDzIxMjYxMDMwMTQ0MzI2WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASGDeMHZYSyvGmJ+yETqldha2ma0fGiudgdKEPaXYu+KX0TRnzL8zbLtcGF65WyOPaG0aAx4dQJHIDPOHcVZ6zYo2EwXzAdBgNVHQ4EFgQUNw9lz9oWfGeovm4Ze6K+OK1KFEUwHwYDVR0jBBgwFoAUNw9lz9oWfGeovm4Ze6K+OK1KFEUwDwYDVR0RBAgwBocEfwAAATAMBgNVHRMBAf8EAjAAMAoGCCqGSM49BAMCA0kAMEYCIQDajFPaq86g5ltVjbLSXDZt2IYXETAvRo9+BX5DMKMlMAIhAM10NxkjCc73ecCWK7Rf7PsDkeCw3estvAIwyIlSeLdq";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNz6pDOyaf97+sD3fELCrhaxDPme2xOF8EB8INjwMxUKhRANCAASGDeMHZYSyvGmJ+yETqldha2ma0fGiudgdKEPaXYu+KX0TRnzL8zbLtcGF65WyOPaG0aAx4dQJHIDPOHcVZ6zY";

/// `None` on a machine without root certificates, where there can be no client for `https`.
fn client(url: &str) -> Option<Client> {
    config(url).ok().map(|config| Client::new(&config))
}

/// Performs one handshake on a thread of its own, and returns `true` if the client trusted it.
fn serve(listener: TcpListener) -> std::thread::JoinHandle<bool> {
    let certificate = STANDARD.decode(CERTIFICATE).unwrap().into();
    let key = PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        while connection.is_handshaking() {
            if connection.complete_io(&mut stream).is_err() {
                return false;
            }
        }
        true
    })
}

#[actix_web::test]
async fn a_self_signed_certificate_is_not_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(client) = client(&format!("https://{}", listener.local_addr().unwrap())) else {
        return;
    };
    let server = serve(listener);
    let outcome = log_in_with(&client, "code").await;
    assert_eq!(outcome, Err(Error::Unreachable(ConnectError::Certificate)));
    assert!(!server.join().unwrap(), "the handshake must have failed");
}

#[actix_web::test]
async fn a_server_without_tls_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(client) = client(&format!("https://{}", listener.local_addr().unwrap())) else {
        return;
    };
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        // Until the client leaves: an earlier close would be a reset, and the bytes above would be lost.
        let _seen = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let outcome = log_in_with(&client, "code").await;
    assert_eq!(outcome, Err(Error::Unreachable(ConnectError::Tls)));
    server.join().unwrap();
}

#[actix_web::test]
async fn a_stalled_handshake_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Some(client) = client(&format!("https://{}", listener.local_addr().unwrap())) else {
        return;
    };
    let start = Instant::now();
    let outcome = log_in_with(&client, "code").await;
    assert_eq!(outcome, Err(Error::Unreachable(ConnectError::TimedOut)));
    assert!(
        start.elapsed() > CONNECT * 2,
        "it was tried again: {:?}",
        start.elapsed()
    );
    assert!(start.elapsed() < WHOLE, "{:?}", start.elapsed());
}
