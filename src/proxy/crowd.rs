//! Turning away a client for whom there is no room.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::opening::PREFACE;
use super::seats::Full;

/// Clients that one worker tells at a time why they are turned away. Others are closed
/// without a word: what nobody has room for must not take any.
const TOLD_AT_ONCE_MAX: usize = 128;

/// A client that says nothing is told after this long.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// From the first byte to the close.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// The first byte of who speaks TLS: a handshake's record.
const TLS_HANDSHAKE: u8 = 22;

/// RFC 9209, section 2.3.28, has no better name for who is turned away at the door.
pub(super) const ERROR: &str = "proxy_internal_response";

/// Those that one worker is turning away.
#[derive(Default)]
pub(super) struct Crowd {
    told: Cell<usize>,
}

impl Crowd {
    /// Answers 503 whatever is asked, and closes; at once, where the client speaks
    /// something else than HTTP/1.1.
    pub(super) async fn turn_away(&self, stream: TcpStream, full: Full) {
        if self.told.get() >= TOLD_AT_ONCE_MAX {
            return;
        }
        self.told.set(self.told.get() + 1);
        let _leaves = Leaves(self);
        drop(tokio::time::timeout(FAREWELL_MAX, farewell(stream, full)).await);
    }
}

struct Leaves<'a>(&'a Crowd);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.told.set(self.0.told.get() - 1);
    }
}

async fn farewell(mut stream: TcpStream, full: Full) -> std::io::Result<()> {
    // Asked first: an answer to nothing is lost on many clients.
    let mut asked = [0; 256];
    let read = tokio::time::timeout(SILENCE_MAX, stream.read(&mut asked)).await;
    let read = read.unwrap_or(Ok(0))?;
    let asked_for = &asked[..read];
    if asked_for.first() == Some(&TLS_HANDSHAKE) || asked_for.starts_with(&PREFACE[..4]) {
        return Ok(());
    }
    stream.write_all(answer(full).as_bytes()).await?;
    stream.shutdown().await?;
    // Closing on what was not read would take the answer back (RFC 9112, section 9.6).
    while stream.read(&mut asked).await? > 0 {}
    Ok(())
}

fn answer(full: Full) -> String {
    let body = json!({ "error": ERROR, "message": full.to_string() });
    let body = format!("{body}\n");
    format!(
        "HTTP/1.1 503 Service Unavailable\r\n\
         content-type: application/json\r\n\
         content-length: {}\r\n\
         proxy-status: serin; error={ERROR}\r\n\
         retry-after: 1\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}
