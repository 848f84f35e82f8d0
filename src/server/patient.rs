//! A client's connection that is given up when nothing of what is said is taken.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::presence::Presence;
use super::silence::Silence;

/// What the kernel holds of a response that the client has no room for. It would hold
/// megabytes, and say nothing for minutes while a slow client takes them.
const UNSENT_MAX_BYTES: u32 = 64 << 10;

/// A slow reader seems to stand still. The kernel asks for more once half of the above is
/// sent, and a window opens by a segment, which is 64 KiB on loopback: together up to
/// 128 KiB, two minutes at 1 KiB/s. So nothing less than this many times the limit, which
/// is a minute by default, is a client that has stopped.
pub const STANDSTILLS_MAX: u32 = 3;

/// A client's connection. Writing to it fails once the client has taken nothing for too
/// long; a client that takes what there is costs no timer. While it is waited for, its
/// connection is not idle.
///
/// It lies beneath TLS, which takes what is written and may hold it still: what moves is
/// seen here alone.
pub struct Patient {
    stream: TcpStream,
    presence: Rc<Presence>,
    /// `None` where something else limits the wait.
    silence: Option<Silence>,
}

impl Patient {
    /// `idle` is how long a connection may be without a request.
    pub fn new(stream: TcpStream, presence: Rc<Presence>, idle: Duration) -> Self {
        // Without it a slow client is only given up later.
        drop(SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_MAX_BYTES));
        let silence = Some(Silence::of(idle.saturating_mul(STANDSTILLS_MAX)));
        Self { stream, presence, silence }
    }

    /// Gives the client up no more: from here on somebody else knows how long is too long.
    pub fn endure(&mut self) {
        self.silence = None;
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn note(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if let Some(silence) = &mut self.silence {
                silence.end();
            }
            self.presence.has_written();
            return written;
        }
        self.presence.waits_to_write();
        match &mut self.silence {
            Some(silence) => silence.poll(cx).map(|_| Err(io::ErrorKind::TimedOut.into())),
            None => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
