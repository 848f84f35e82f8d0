//! One connection of a client that speaks HTTP/1.1.

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::gate::Gate;
use super::guarded::Guarded;
use super::head::HeadLimits;
use crate::server::{self, Patience, Presence};

/// How long a client is heard after its last answer, and how much of it.
const LINGER_MAX: Duration = Duration::from_secs(10);
const LINGER_BYTES_MAX: usize = 4 << 20;
/// A client that is silent for this long has seen its answer, or never will.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// What hyper reads unless told, of one head and of all that it has read ahead.
const HYPER_FIELDS: usize = 100;
const HYPER_BYTES: usize = 400 << 10;
/// What it may hold beside a head.
const SPARE_BYTES: usize = 64 << 10;

/// Speaks HTTP/1.1 on `stream` until it ends or is dismissed. `service` asks the gate
/// about each request.
pub(in crate::proxy) async fn serve<T, S, B>(
    stream: T,
    gate: &Rc<Gate>,
    limits: HeadLimits,
    service: S,
    patience: Patience,
) where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: HttpService<Incoming, ResBody = B> + Unpin,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let guarded = Guarded::new(stream, gate.clone(), limits);
    let mut connection = builder(limits).serve_connection(TokioIo::new(guarded), service);
    let ended = server::drive(Pin::new(&mut connection), gate.presence(), patience).await;
    if ended && gate.lingers() {
        let (stream, _) = connection.into_parts().io.into_inner().into_parts();
        // Few come here, and all would carry what it reads into.
        Box::pin(linger(stream, gate.presence())).await;
    }
}

/// How hyper is to read what passed: with limits so wide that no head meets them.
pub(super) fn builder(limits: HeadLimits) -> Builder {
    let mut builder = Builder::new();
    // The sweep of the accept loop ends idle connections, and knows of late heads.
    builder.header_read_timeout(None);
    if limits.fields != HYPER_FIELDS {
        builder.max_headers(limits.fields);
    }
    let bytes = limits.head_bytes.saturating_add(SPARE_BYTES);
    if bytes > HYPER_BYTES {
        builder.max_buf_size(bytes);
    }
    builder
}

/// Reads what the client still sends, for nothing but its sake: closing on it resets the
/// connection, and the last answer is lost (RFC 9112, section 9.6).
async fn linger(mut stream: impl AsyncRead + Unpin, presence: &Presence) {
    let read_out = async {
        let mut scratch = [0; 4 << 10];
        let mut left = LINGER_BYTES_MAX;
        while let Ok(Ok(read @ 1..)) =
            tokio::time::timeout(SILENCE_MAX, stream.read(&mut scratch)).await
            && read < left
        {
            left -= read;
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(LINGER_MAX, read_out) => {}
        () = presence.dismissed() => {}
    }
}
