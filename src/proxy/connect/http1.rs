//! HTTP/1.1 on a connection.

use std::time::Duration;

use hyper::client::conn::http1::{Builder, Parts, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::Socket;
use crate::model::Limits;
use crate::proxy::error::ProxyError;
use crate::proxy::upload::Upload;

/// To tell a peer that a connection ends. One that reads nothing may not take it.
pub(super) const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// Where the bare connection comes once HTTP has ended on it, should anybody wait.
pub(in crate::proxy) type Switch = oneshot::Receiver<Parts<Socket>>;

/// A connection that was just opened.
pub(in crate::proxy) struct Opened {
    pub(in crate::proxy) sender: SendRequest<Upload>,
    /// The task that drives it.
    pub(in crate::proxy) driver: AbortHandle,
    pub(in crate::proxy) switch: Switch,
}

/// Speaks HTTP/1.1 on `socket`, and leaves a task that does so on this thread.
pub(in crate::proxy) async fn handshake(
    socket: Socket,
    limits: &Limits,
) -> Result<Opened, ProxyError> {
    let mut builder = Builder::new();
    builder.max_header_size(limits.header_bytes.get()).max_headers(limits.header_count.get());
    let (sender, connection) = builder.handshake(socket).await.map_err(ProxyError::Terminated)?;
    let (hand_over, switch) = oneshot::channel();
    let driver = tokio::task::spawn_local(async move {
        match connection.without_shutdown().await {
            Ok(bare) => {
                if let Err(bare) = hand_over.send(bare) {
                    let mut socket = TokioIo::new(bare.io);
                    drop(tokio::time::timeout(GOODBYE_MAX, socket.shutdown()).await);
                }
            }
            Err(error) => tracing::debug!(%error, "upstream connection ended"),
        }
    });
    Ok(Opened { sender, driver: driver.abort_handle(), switch })
}
