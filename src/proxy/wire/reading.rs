//! How a connection is read, and how it ends.

use std::time::Duration;

use hyper::server::conn::http1::Builder;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::head::HeadLimits;
use crate::server::Presence;

/// How long a client is heard after its last answer, and how much of it.
const LINGER_MAX: Duration = Duration::from_secs(10);
const LINGER_BYTES_MAX: usize = 4 << 20;
/// A client that is silent for this long has seen its answer, or never will.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// What hyper reads unless told, of one head and of all that it has read ahead.
const HYPER_FIELDS: usize = 100;
const HYPER_BYTES: usize = 400 << 10;
/// What it may hold beside a head as a client wrote it: the longest target takes 64 KiB,
/// where it is spelled longer than it was written.
const SPARE_BYTES: usize = 128 << 10;

/// How hyper is to read what passed: with limits so wide that no head meets them.
pub(in crate::proxy) fn builder(limits: HeadLimits) -> Builder {
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
pub(in crate::proxy) async fn linger(mut stream: impl AsyncRead + Unpin, presence: &Presence) {
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
