//! The TLS port: its certificate authority, the names it covers, and calls through it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};
use wechat_simulator::{API_HOSTS, Tls, TlsError};

use super::*;

/// A folder that is removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("wechat-simulator-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn tls(&self) -> Tls {
        Tls {
            folder: self.0.clone(),
            listen: "127.0.0.1:0".parse().unwrap(),
        }
    }

    async fn start(&self) -> Simulator {
        start(Options {
            tls: Some(self.tls()),
            ..options()
        })
        .await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

fn client(authority_file: &Path, host: &str) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(authority_file).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// Sends a request over TLS and reads until the connection ends.
fn send_tls(wechat: &Simulator, authority: &Path, host: &str, target: &str) -> io::Result<String> {
    let stream = TcpStream::connect(wechat.tls_address().unwrap())?;
    let mut stream = StreamOwned::new(client(authority, host), stream);
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut reply = String::new();
    match stream.read_to_string(&mut reply) {
        // The server closes the connection without a `close_notify`, as many do.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && !reply.is_empty() => Ok(reply),
        result => result.map(|_| reply),
    }
}

#[actix_web::test]
async fn every_name_of_wechats_api_is_covered() {
    let folder = Folder::new("names");
    let wechat = folder.start().await;
    let authority = folder.tls().authority_file();
    for host in API_HOSTS {
        let target = login_target(&wechat, &wechat.issue_code("mei"));
        let reply = send_tls(&wechat, &authority, host, &target).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        assert!(reply.contains(&wechat.openid("mei")), "{reply}");
    }
    let error = send_tls(&wechat, &authority, "qq.com", "/").unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[actix_web::test]
async fn the_authority_is_made_once_and_its_key_is_private() {
    let folder = Folder::new("once");
    let authority = folder.tls().authority_file();
    let first = folder.start().await;
    let key_file = folder.0.join("ca-key.pem");
    let read = || (fs::read(&authority).unwrap(), fs::read(&key_file).unwrap());
    let files = read();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&key_file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    first.stop().await;
    let second = folder.start().await;
    assert!(read() == files);
    send_tls(&second, &authority, API_HOSTS[0], "/sns/jscode2session").unwrap();
}

/// A stolen key is useless for other sites, even where the authority is trusted.
#[test]
fn clients_reject_a_certificate_of_the_authority_for_another_domain() {
    let folder = Folder::new("constraint");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    drop(runtime.unwrap().block_on(folder.start()));
    let key = fs::read_to_string(folder.0.join("ca-key.pem")).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let name = "wechat-simulator, only for weixin.qq.com";
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let issuer = Issuer::new(params, KeyPair::from_pem(&key).unwrap());
    for (host, is_accepted) in [
        ("api.weixin.qq.com", true),
        ("bank.example", false),
        ("qq.com", false),
        ("127.0.0.1", false),
    ] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let server = ServerConnection::new(Arc::new(config)).unwrap();
        let client = client(&folder.tls().authority_file(), host);
        assert_eq!(shake_hands(client, server), is_accepted, "{host}");
    }
}

/// Returns `true` if the client accepts the server's certificate.
fn shake_hands(mut client: ClientConnection, mut server: ServerConnection) -> bool {
    while client.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        if client.process_new_packets().is_err() {
            return false;
        }
    }
    true
}

#[actix_web::test]
async fn faults_and_the_control_api_work_over_tls() {
    let folder = Folder::new("faults");
    let wechat = folder.start().await;
    let authority = folder.tls().authority_file();
    wechat.fail_next(LOGIN, Fault::ResetAfter);
    let code = wechat.issue_code("mei");
    let target = login_target(&wechat, &code);
    let send = |host: &str, target: &str| send_tls(&wechat, &authority, host, target);
    let error = send(API_HOSTS[0], &target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(errcode(&log_in_with(&wechat, &code)), 40163);
    let foreign = send(API_HOSTS[0], "/simulator").unwrap();
    assert!(foreign.starts_with("HTTP/1.1 403 "), "{foreign}");
}

#[actix_web::test]
async fn a_client_without_the_authority_harms_no_other() {
    let (folder, other) = (Folder::new("untrusted"), Folder::new("other"));
    let (wechat, _other) = (folder.start().await, other.start().await);
    let send = |folder: &Folder| {
        let authority = folder.tls().authority_file();
        send_tls(&wechat, &authority, API_HOSTS[0], "/sns/jscode2session")
    };
    assert!(send(&other).is_err());
    let mut plain = TcpStream::connect(wechat.tls_address().unwrap()).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(send(&folder).is_ok());
}

#[actix_web::test]
async fn a_damaged_authority_and_a_remote_address_are_errors() {
    let folder = Folder::new("damaged");
    let key_file = folder.0.join("ca-key.pem");
    drop(folder.start().await);
    let start = |tls: Tls| {
        Simulator::start(Options {
            tls: Some(tls),
            ..options()
        })
    };
    fs::write(&key_file, "no key").unwrap();
    let damaged = start(folder.tls()).await.unwrap_err();
    assert!(matches!(damaged, StartError::Tls(TlsError::Key(file, _)) if file == key_file));
    fs::remove_file(&key_file).unwrap();
    let missing = start(folder.tls()).await.unwrap_err();
    assert!(matches!(missing, StartError::Tls(TlsError::Incomplete(file)) if file == key_file));
    let remote = Tls {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..folder.tls()
    };
    assert!(matches!(start(remote).await, Err(StartError::Remote(_))));
}
