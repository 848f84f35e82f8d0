//! TLS with a client.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Patient, Presence};

/// The TLS alert `unrecognized_name`, fatal: before any key is agreed on it goes in
/// the clear (RFC 8446, section 6.2; RFC 6066, section 3).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Agrees on TLS with a client, within `limit`. `None` when that fails, or when the
/// connection is dismissed before.
pub async fn handshake(
    config: Arc<ServerConfig>,
    stream: Patient,
    presence: &Presence,
    limit: Duration,
) -> Option<TlsStream<Patient>> {
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(limit, agree(config, stream)) => outcome,
        () = presence.dismissed() => return None,
    };
    match outcome.unwrap_or_else(|late| Err(late.into())) {
        Ok(stream) => Some(stream),
        Err(error) => {
            // Talk of another protocol, or a client that does not trust us.
            tracing::debug!(%error, "no TLS handshake");
            None
        }
    }
}

async fn agree(config: Arc<ServerConfig>, stream: Patient) -> io::Result<TlsStream<Patient>> {
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    // Asked here, since rustls would say `access_denied`, which names no cause.
    if config.cert_resolver.resolve(start.client_hello()).is_none() {
        start.io.write_all(&UNRECOGNIZED_NAME).await?;
        start.io.shutdown().await?;
        let name = start.client_hello().server_name().unwrap_or_default().to_owned();
        return Err(io::Error::other(format!("there is no certificate for `{name}`")));
    }
    start.into_stream(config).await
}
