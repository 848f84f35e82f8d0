//! What a client of ours speaks to an `https` target or admin endpoint.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

use super::outside;
use crate::tls;

/// Names a file of authorities where no argument does.
const CA_VARIABLE: &str = "SERIN_CA";

/// Why the authorities of a file are not trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("cannot read the authorities of `{}`, which --ca or SERIN_CA names", path.display())]
    Unreadable { path: PathBuf, source: pem::Error },
    #[error(
        "`{}`, which --ca or SERIN_CA names, holds no certificate in PEM; `serin ca` prints that of Serin's own authority",
        .0.display()
    )]
    Empty(PathBuf),
    #[error(
        "`{}`, which --ca or SERIN_CA names, holds a certificate that is no authority's",
        path.display()
    )]
    NoAuthority { path: PathBuf, source: rustls::Error },
}

/// Trusts whom the system trusts, and the authorities of the file at `ca`, or of that which
/// the environment names; or anybody, if it is `insecure`.
pub(super) fn client_tls(
    ca: Option<&Path>,
    insecure: bool,
) -> Result<Arc<ClientConfig>, TrustError> {
    if insecure {
        return Ok(Arc::new(tls::unchecked_client_config()));
    }
    let mut roots = RootCertStore::empty();
    // Who is not trusted is told by the handshake.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let ca = ca.map(Path::to_owned).or_else(|| outside::variable(CA_VARIABLE).map(PathBuf::from));
    if let Some(path) = ca {
        trust(&mut roots, &path)?;
    }
    Ok(Arc::new(tls::client_config(roots)))
}

/// The same for the target at `url`. Where it shows no certificate nobody need be trusted,
/// and whom the system trusts takes a while to read.
pub fn target_tls(
    url: &str,
    ca: Option<&Path>,
    insecure: bool,
) -> Result<Arc<ClientConfig>, TrustError> {
    client_tls(ca, insecure || !is_https(url))
}

pub(super) fn is_https(url: &str) -> bool {
    const SCHEME: &str = "https://";
    url.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
}

fn trust(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let unreadable = |source| TrustError::Unreadable { path: path.to_owned(), source };
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let certificate = certificate.map_err(unreadable)?;
        let no_authority = |source| TrustError::NoAuthority { path: path.to_owned(), source };
        roots.add(certificate).map_err(no_authority)?;
    }
    if roots.len() == before { Err(TrustError::Empty(path.to_owned())) } else { Ok(()) }
}
