//! HTTP/1.1 on one connection, until it ends or is dismissed.

use std::pin::{Pin, pin};

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Patience, Presence};

/// Speaks HTTP/1.1 on `stream` until it ends or is dismissed.
pub async fn http1<S, B>(
    builder: &http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    service: S,
    presence: &Presence,
    patience: Patience,
) where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    drive(pin!(connection), presence, patience).await;
}

/// Lets `connection` run until it ends or is dismissed.
async fn drive<I, S, B>(
    mut connection: Pin<&mut http1::Connection<I, S>>,
    presence: &Presence,
    patience: Patience,
) where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => Some(outcome),
        () = presence.dismissed() => {
            // Closes at once when idle, else after the response that is running.
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = connection.as_mut() => Some(outcome),
                () = outstayed(presence, patience) => None,
            }
        }
    };
    if let Some(Err(error)) = outcome {
        // A peer that goes away or talks nonsense is no news to the operator.
        tracing::debug!(%error, "connection ended");
    }
}

/// Ends when a dismissed connection has been idle for another idle time: a half-sent
/// head, or a stream of which the client takes nothing.
pub async fn outstayed(presence: &Presence, patience: Patience) {
    loop {
        let since = presence.idle_since.get();
        tokio::time::sleep_until(since.max(Instant::now()) + patience.idle).await;
        if !presence.is_at_work() && presence.idle_since.get() == since {
            return;
        }
    }
}
