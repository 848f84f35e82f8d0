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
mod pairs;
mod upstream;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::ResolvesServerCert;

pub use authority::{Authority, IssueError};
pub use certificates::{Clock, Issued};
pub use files::{AuthorityError, CertificateError, Damage, open_authority};
pub use pairs::Pairs;
pub use upstream::{client_config, trust_also, unchecked_client_config};

/// What is spoken inside TLS where HTTP/2 is.
pub const HTTP2_AND_HTTP1: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// And where it is not.
pub const HTTP1: [&[u8]; 1] = [b"http/1.1"];

/// TLS 1.2 and 1.3 with the certificates of `resolver`, for one of `protocols`, the
/// preferred first. Sessions are resumed by whoever has the value that is returned.
pub fn server_config(
    resolver: Arc<dyn ResolvesServerCert>,
    protocols: &[&[u8]],
) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for the default versions")
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // A session is in the ticket that its client keeps. Without tickets, should the
    // system have nothing to draw their key from, some are remembered here instead.
    if let Ok(tickets) = ring::Ticketer::new() {
        config.ticketer = tickets;
    }
    Arc::new(config)
}

/// Named each time, so that nothing depends on a default of the process.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
