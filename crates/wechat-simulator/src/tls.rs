//! TLS for clients that call `https://api.weixin.qq.com`: a certificate authority in a folder, and a certificate for WeChat's
//! names that is made at each start.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

/// The names of WeChat's API servers, and of its page of consent, all of which the certificate covers.
pub const API_HOSTS: [&str; 6] = [
    "api.weixin.qq.com",
    "api2.weixin.qq.com",
    "sh.api.weixin.qq.com",
    "sz.api.weixin.qq.com",
    "hk.api.weixin.qq.com",
    "open.weixin.qq.com",
];

/// The only domain for which the authority can issue certificates.
const DOMAIN: &str = "weixin.qq.com";

/// Lifetime of the authority, and of a certificate. Our choice; clients of Apple reject a certificate of more than 398 days.
const AUTHORITY_LIFETIME: Duration = Duration::from_hours(24 * 3_650);
const CERTIFICATE_LIFETIME: Duration = Duration::from_hours(24 * 397);

/// The time by which a certificate is valid before it is made, for clients whose clock is behind. Our choice.
const MARGIN: Duration = Duration::from_hours(24);

/// The options of the TLS port.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The folder of the certificate authority, `ca.pem` and `ca-key.pem`. Both are made if they do not exist. The key can be
    /// read only by its owner, and works only for names under `weixin.qq.com`.
    pub folder: PathBuf,
    /// The address to listen on; port 0 chooses a free port.
    pub listen: SocketAddr,
}

/// The certificate authority or the certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("`{0}` cannot be used: {1}")]
    File(PathBuf, #[source] io::Error),
    /// A file has invalid content, or belongs to another one.
    #[error(
        "`{0}` is not a key of this simulator: {1}\n  hint: remove it and `ca.pem`, and trust the new `ca.pem`"
    )]
    Key(PathBuf, #[source] rcgen::Error),
    /// One of the two files of the authority is missing.
    #[error(
        "`{0}` is missing\n  hint: remove the other file of the certificate authority too, and trust the new `ca.pem`"
    )]
    Incomplete(PathBuf),
    /// A certificate cannot be made.
    #[error("the certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// The certificate is not accepted by the TLS library.
    #[error("the certificate cannot be used")]
    Rustls(#[from] rustls::Error),
}

impl Tls {
    /// Returns the certificate that clients must trust.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Opens or makes the authority, and makes a certificate.
    pub(crate) fn acceptor(&self, now: Duration) -> Result<TlsAcceptor, TlsError> {
        let authority = Issuer::new(authority_params(now), self.authority_key(now)?);
        let key = KeyPair::generate()?;
        let certificate = certificate_params(now)?.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| rustls::Error::General(error.to_owned()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Returns the key of the authority. Makes key and certificate if neither exists.
    fn authority_key(&self, now: Duration) -> Result<KeyPair, TlsError> {
        let certificate_file = self.authority_file();
        let key_file = self.folder.join("ca-key.pem");
        match (key_file.exists(), certificate_file.exists()) {
            (true, true) => {
                let text = fs::read_to_string(&key_file);
                let text = text.map_err(|error| TlsError::File(key_file.clone(), error))?;
                KeyPair::from_pem(&text).map_err(|error| TlsError::Key(key_file, error))
            }
            (false, false) => {
                let key = KeyPair::generate()?;
                let certificate = authority_params(now).self_signed(&key)?;
                fs::create_dir_all(&self.folder)
                    .map_err(|error| TlsError::File(self.folder.clone(), error))?;
                write_new(&key_file, &key.serialize_pem(), 0o600)?;
                write_new(&certificate_file, &certificate.pem(), 0o644)?;
                Ok(key)
            }
            (false, true) => Err(TlsError::Incomplete(key_file)),
            (true, false) => Err(TlsError::Incomplete(certificate_file)),
        }
    }
}

/// The same for each start, so that a certificate names the authority that signed it.
fn authority_params(now: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("wechat-simulator, only for weixin.qq.com");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(DOMAIN.to_owned())],
        // A constraint of names says nothing about certificates for addresses.
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)),
        ],
    });
    set_validity(&mut params, now, AUTHORITY_LIFETIME);
    params
}

fn certificate_params(now: Duration) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(API_HOSTS.map(str::to_owned))?;
    params.distinguished_name = name(API_HOSTS[0]);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, CERTIFICATE_LIFETIME);
    Ok(params)
}

fn set_validity(params: &mut CertificateParams, now: Duration, lifetime: Duration) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(MARGIN);
    params.not_after = epoch + now.saturating_sub(MARGIN) + lifetime;
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Writes a file that does not exist yet. On Windows the mode has no effect.
fn write_new(file: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _unused = mode;
    let written = options
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| TlsError::File(file.to_owned(), error))
}
