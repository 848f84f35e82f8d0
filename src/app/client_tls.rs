//! What a client of ours speaks to an `https` target.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::tls;

/// Trusts whom the system trusts; or anybody, if it is `insecure`.
pub fn client_tls(insecure: bool) -> Arc<ClientConfig> {
    if insecure {
        return Arc::new(tls::unchecked_client_config());
    }
    let mut roots = RootCertStore::empty();
    // Who is not trusted is told by the handshake.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(tls::client_config(roots))
}
