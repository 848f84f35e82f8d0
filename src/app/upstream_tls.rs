//! Whose certificates are taken of endpoints.

use std::path::Path;

use rustls::RootCertStore;

use super::CertificatesError;
use crate::proxy::UpstreamTls;
use crate::tls;

/// Trusts whom the system trusts, and the authorities of the file at `extra`.
pub(super) fn upstream_tls(extra: Option<&Path>) -> Result<UpstreamTls, CertificatesError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in system.errors {
        tracing::warn!(%error, "cannot read some of the authorities that the system trusts");
    }
    // Systems come with a few that are beyond use, which is nobody's mistake.
    let (_, unusable) = roots.add_parsable_certificates(system.certs);
    if let Some(extra) = extra {
        tls::trust_also(&mut roots, extra)?;
    }
    if roots.is_empty() {
        tracing::warn!(
            "no authority is known, so no `https://` endpoint is trusted; install the system's, or write `upstream_ca` in [tls]"
        );
    }
    tracing::debug!(trusted = roots.len(), unusable, "authorities of endpoints are read");
    Ok(UpstreamTls::new(&tls::client_config(roots), &tls::unchecked_client_config()))
}
