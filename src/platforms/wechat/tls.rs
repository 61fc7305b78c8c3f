//! Whom a TLS connection trusts.
//!
//! Knows rustls, ring and where the platform keeps its root certificates.
//! Never knows URLs, HTTP or WeChat.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

/// Trusts what the platform trusts. Reads the root certificates, so it costs some milliseconds: once per process.
///
/// The provider is passed by hand: `CryptoProvider::install_default` would be global state.
pub(crate) fn platform_trust() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(Verifier::new(Arc::clone(&provider))?);
    Ok(builder(provider)?
        .dangerous() // The trait's name for "a verifier of one's own"; this one is the platform's.
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Trusts nobody: for a base URL without TLS, which must also work where no root certificates exist.
pub(crate) fn no_trust() -> Result<ClientConfig, rustls::Error> {
    Ok(builder(Arc::new(ring::default_provider()))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}
