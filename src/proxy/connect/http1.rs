//! HTTP/1.1 on a connection.

use hyper::client::conn::http1::{Builder, SendRequest};

use super::Socket;
use crate::model::Limits;
use crate::proxy::error::ProxyError;
use crate::proxy::upload::Upload;

/// Speaks HTTP/1.1 on `socket`, and leaves a task that does so on this thread.
pub(in crate::proxy) async fn handshake(
    socket: Socket,
    limits: &Limits,
) -> Result<SendRequest<Upload>, ProxyError> {
    let mut builder = Builder::new();
    builder.max_header_size(limits.header_bytes.get()).max_headers(limits.header_count.get());
    let (sender, connection) = builder.handshake(socket).await.map_err(ProxyError::Terminated)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "upstream connection ended");
        }
    });
    Ok(sender)
}
