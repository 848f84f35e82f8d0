//! A client's connection that is given up when nothing of what is said is taken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::silence::Silence;
use super::tunnel::Line;

/// What the kernel holds of a response that the client has no room for. It would hold
/// megabytes, and say nothing for minutes while a slow client takes them.
const UNSENT_MAX_BYTES: u32 = 128 << 10;

/// A slow reader's window opens by a segment, which is 64 KiB on loopback: at 1 KiB/s it
/// seems to stand still for a minute at a time. So nothing less than this many times the
/// limit is a client that has stopped.
const PATIENCE: u32 = 2;

/// A client's connection. Writing to it fails once the client has taken nothing for too
/// long; a client that takes what there is costs no timer.
pub(super) struct Patient<S> {
    stream: S,
    silence: Silence,
}

impl<S: Line> Patient<S> {
    pub(super) fn new(stream: S, idle: Duration) -> Self {
        // Without it a slow client is only given up later.
        drop(stream.socket(|socket| socket.set_tcp_notsent_lowat(UNSENT_MAX_BYTES)));
        Self { stream, silence: Silence::of(idle.saturating_mul(PATIENCE)) }
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
            return written;
        }
        self.silence.poll(cx).map(|_| Err(io::ErrorKind::TimedOut.into()))
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
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
