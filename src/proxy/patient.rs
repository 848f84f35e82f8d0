//! A client's connection that is given up when nothing of what is said is taken.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::silence::Silence;
use super::tunnel::Line;
use super::wire::Watched;
use crate::server::Presence;

/// What the kernel holds of a response that the client has no room for. It would hold
/// megabytes, and say nothing for minutes while a slow client takes them.
const UNSENT_MAX_BYTES: u32 = 64 << 10;

/// A slow reader seems to stand still. The kernel asks for more once half of the above is
/// sent, and a window opens by a segment, which is 64 KiB on loopback: together up to
/// 128 KiB, two minutes at 1 KiB/s. So nothing less than this many times the limit, which
/// is a minute by default, is a client that has stopped.
const PATIENCE: u32 = 3;

/// A client's connection. Writing to it fails once the client has taken nothing for too
/// long; a client that takes what there is costs no timer. While it is waited for, its
/// connection is not idle.
pub(super) struct Patient<S> {
    stream: S,
    presence: Rc<Presence>,
    silence: Silence,
}

impl<S: Line> Patient<S> {
    pub(super) fn new(stream: S, presence: Rc<Presence>, idle: Duration) -> Self {
        // Without it a slow client is only given up later.
        drop(stream.socket(|socket| socket.set_tcp_notsent_lowat(UNSENT_MAX_BYTES)));
        Self { stream, presence, silence: Silence::of(idle.saturating_mul(PATIENCE)) }
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    fn note<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.silence.end();
            self.presence.has_written();
            return written;
        }
        self.presence.waits_to_write();
        self.silence.poll(cx).map(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: Line> Watched for Patient<S> {
    fn is_broken(&self) -> bool {
        self.stream.is_broken()
    }
}

impl<S: Line> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: Line> AsyncWrite for Patient<S> {
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
        // TLS has taken what is written, and may hold it still.
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.note(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
