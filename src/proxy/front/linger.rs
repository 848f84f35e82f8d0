//! Hearing a client out behind its last answer.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::server::Presence;

/// How long a client is heard after its last answer, and how much of it.
const LINGER_MAX: Duration = Duration::from_secs(10);
const LINGER_BYTES_MAX: usize = 4 << 20;
/// A client that is silent for this long has seen its answer, or never will.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Reads what the client still sends, for nothing but its sake: closing on it resets the
/// connection, and the last answer is lost (RFC 9112, section 9.6).
pub(super) async fn linger(mut stream: impl AsyncRead + Unpin, presence: &Presence) {
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
