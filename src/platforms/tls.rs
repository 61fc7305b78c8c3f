//! TLS client configuration: ring as the crypto provider, and the platform's root certificates.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

/// Trusts the operating system's root certificates. Reads them, which takes some milliseconds: once per process.
///
/// The provider is passed explicitly, because `CryptoProvider::install_default` would be global state.
pub(crate) fn system_roots() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(Verifier::new(Arc::clone(&provider))?);
    Ok(builder(provider)?
        .dangerous() // rustls' name for a custom verifier; this one is the operating system's.
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Trusts no certificate: for a base URL without TLS, which must also work on a machine without root certificates.
pub(crate) fn no_roots() -> Result<ClientConfig, rustls::Error> {
    Ok(builder(Arc::new(ring::default_provider()))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}
