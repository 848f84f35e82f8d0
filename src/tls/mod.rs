//! Certificates for the listeners that speak TLS: the operator's own, or those of a
//! local authority, made for each name when it is first asked for. And which ones are
//! taken of endpoints.
//!
//! What comes out is a [`rustls::ServerConfig`] or a [`rustls::ClientConfig`]; who
//! listens or connects shakes hands with it.

mod authority;
mod certificates;
mod files;
mod names;
mod upstream;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::ResolvesServerCert;

pub use authority::{Authority, IssueError};
pub use certificates::{Clock, Issued};
pub use files::{AuthorityError, CertificateError, Damage, open_authority, read_certificate};
pub use upstream::{client_config, trust_also, unchecked_client_config};

/// What is spoken inside TLS, the preferred first.
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// TLS 1.2 and 1.3 with the certificates of `resolver`.
pub fn server_config(resolver: Arc<dyn ResolvesServerCert>) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for the default versions")
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Arc::new(config)
}

/// Named each time, so that nothing depends on a default of the process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
