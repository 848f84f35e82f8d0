//! The first bytes of a plain connection, which tell what is spoken on it.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tunnel::Line;
use crate::server::{Patient, Presence};

/// How a client begins that knows us to speak HTTP/2 (RFC 9113, section 3.4). HTTP/1.1
/// has no such method and never will.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is read at once: a whole head of nearly every client, so that looking at it
/// costs no system call.
const READ_BYTES: usize = 8 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// Waits for the first bytes, and gives them with the stream. `None` when the client
/// leaves, or is dismissed before any. What could be a preface and goes no further is the
/// head of an HTTP/1.1 request, which is late, and answered as such.
pub(super) async fn hear(
    stream: TcpStream,
    presence: Rc<Presence>,
    idle: Duration,
) -> Option<(Spoken, Patient, BytesMut)> {
    let mut first = BytesMut::new();
    let spoken = loop {
        let readable = tokio::select! {
            biased;
            () = presence.head().late(), if !first.is_empty() => {
                // The less there is, the less it could be refused for instead.
                first.truncate(1);
                break Spoken::Http1;
            }
            // What has arrived is heard, also of a client that is dismissed.
            readable = stream.readable() => readable,
            // An idle client is dismissed by the sweep, without a timer of its own.
            () = presence.dismissed() => return None,
        };
        readable.ok()?;
        if first.is_empty() {
            first.reserve(READ_BYTES);
        }
        match stream.try_read_buf(&mut first) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return None,
        }
        match spoken(&first) {
            Some(spoken) => break spoken,
            None => presence.head().moved(),
        }
    };
    if spoken == Spoken::Http2 {
        presence.head().stop();
    }
    let stream = Patient::new(stream, presence, idle);
    Some((spoken, stream, first))
}

/// What is spoken by who begins with `first`; `None` while it may be either.
fn spoken(first: &[u8]) -> Option<Spoken> {
    let common = first.len().min(PREFACE.len());
    if first[..common] != PREFACE[..common] {
        return Some(Spoken::Http1);
    }
    (common == PREFACE.len()).then_some(Spoken::Http2)
}

/// A stream whose first bytes were looked at, and are read again.
pub(super) struct Reopened<S> {
    first: Bytes,
    stream: S,
}

impl<S> Reopened<S> {
    pub(super) fn new(stream: S, first: BytesMut) -> Self {
        Self { first: first.freeze(), stream }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Reopened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let count = self.first.len().min(buf.remaining());
        buf.put_slice(&self.first[..count]);
        self.first.advance(count);
        if self.first.is_empty() {
            // Its memory goes now, and not with the connection.
            self.first = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Reopened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

impl<S: Line> Line for Reopened<S> {
    fn socket<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T {
        self.stream.socket(look)
    }

    fn has_said_all(&self) -> bool {
        self.stream.has_said_all()
    }

    fn endure(&mut self) {
        self.stream.endure();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_is_known_however_it_is_cut_and_nothing_else_is_taken_for_it() {
        for cut in 1..PREFACE.len() {
            assert_eq!(spoken(&PREFACE[..cut]), None, "{cut}");
            let mut other = PREFACE[..cut].to_vec();
            other.push(b'?');
            assert_eq!(spoken(&other), Some(Spoken::Http1), "{cut}");
        }
        assert_eq!(spoken(PREFACE), Some(Spoken::Http2));
        assert_eq!(spoken(&[&PREFACE[..], b"more"].concat()), Some(Spoken::Http2));
        for text in ["GET / HTTP/1.1\r\n", "POST", "PRI * HTTP/1.1\r\n", "\r\n", "\u{16}\u{3}"] {
            assert_eq!(spoken(text.as_bytes()), Some(Spoken::Http1), "{text:?}");
        }
    }
}
