//! How the certificate of an endpoint is judged.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::files::{CertificateError, read};
use super::provider;

/// Adds the authorities of the file at `path` to `roots`.
pub fn trust_also(roots: &mut RootCertStore, path: &Path) -> Result<(), CertificateError> {
    let owned = || path.to_owned();
    let text =
        read(path).map_err(|source| CertificateError::Unreadable { path: owned(), source })?;
    let not_pem = |source| CertificateError::NotPem { path: owned(), what: "certificate", source };
    let mut certificates = CertificateDer::pem_slice_iter(&text).peekable();
    if certificates.peek().is_none() {
        return Err(not_pem(pem::Error::NoItemsFound));
    }
    for certificate in certificates {
        roots
            .add(certificate.map_err(not_pem)?)
            .map_err(|source| CertificateError::NoAuthority { path: owned(), source })?;
    }
    Ok(())
}

/// TLS 1.2 and 1.3 with endpoints whose certificates lead to one of `roots`.
pub fn client_config(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The same with endpoints whose certificates are anything at all.
pub fn unchecked_client_config() -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unchecked(provider())))
        .with_no_client_auth()
}

/// Takes every certificate. The endpoint still proves that it has its key: what is
/// given up is who it is, not that one and the same is spoken to.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::tls::Authority;

    #[test]
    fn the_authorities_of_a_file_are_trusted_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let pem = || {
            let authority = Authority::new(None, Timestamp(1_700_000_000_000_000_000));
            authority.unwrap().certificate_pem()
        };
        std::fs::write(&path, pem() + &pem()).unwrap();
        let mut roots = RootCertStore::empty();
        trust_also(&mut roots, &path).unwrap();
        assert_eq!(roots.len(), 2);
    }

    #[test]
    fn a_file_without_authorities_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let refused = || trust_also(&mut RootCertStore::empty(), &path).unwrap_err().to_string();
        assert_eq!(refused(), format!("cannot read `{}` of [tls]", path.display()));
        std::fs::write(&path, "nothing").unwrap();
        let says = format!("`{}` of [tls] holds no certificate in PEM", path.display());
        assert_eq!(refused(), says);
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .unwrap();
        let says =
            format!("`{}` of [tls] holds a certificate that is no authority's", path.display());
        assert_eq!(refused(), says);
    }
}
