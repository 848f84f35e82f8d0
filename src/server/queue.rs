//! Accepting: the queue of a listener, and what stands in the way.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

/// Pause after the process ran out of descriptors or memory: long enough not to
/// spin, short enough to go unnoticed.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// That it ran out is said again after this long.
const SHORTAGE_SILENCE: Duration = Duration::from_secs(10);

/// The next connection in the queue of `listener`, which does not block; `None` when
/// there is none. Asked of the system: the event loop may not have heard of it yet.
pub(super) async fn next_waiting(
    listener: &std::net::TcpListener,
    shortage: &mut Shortage,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = listener.accept().and_then(|(stream, peer)| {
            stream.set_nonblocking(true)?;
            Ok((TcpStream::from_std(stream)?, peer))
        });
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if of_one_connection(&error) => {}
            Err(error) => {
                // Requests that end give their descriptors back.
                shortage.say(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Says that connections cannot be accepted, and not with every try.
#[derive(Default)]
pub(super) struct Shortage {
    said: Option<Instant>,
}

impl Shortage {
    pub(super) fn say(&mut self, error: &io::Error) {
        if self.said.is_none_or(|said| said.elapsed() >= SHORTAGE_SILENCE) {
            self.said = Some(Instant::now());
            tracing::warn!(%error, "cannot accept connections for now");
        }
    }
}

/// Errors of a connection that was gone before it was taken: the next one is fine.
pub(super) fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
