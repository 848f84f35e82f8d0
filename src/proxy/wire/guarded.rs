//! A client's stream, less the bytes that nobody shall read.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::gate::Gate;
use super::half_close::HalfClose;
use super::head::HeadLimits;
use super::sieve::{End, Sieve};
use super::watch::{Leaving, Watch, Watched};

/// A stream that gives its reader whole, good heads, and bodies; and nothing of the next
/// request before the one before it is answered.
///
/// Bytes are read where the reader wants them and judged there, so that nearly all of
/// them are copied by nobody. It reads on while a request runs, so that its reader hears
/// of a client that breaks off.
pub(in crate::proxy) struct Guarded<S> {
    stream: S,
    sieve: Sieve,
    /// The reader was given nothing, although there is something for after the answer. It
    /// asks no stream again that had nothing, so it must be woken then.
    is_put_off: bool,
    /// The client has no room for all that is said to it.
    is_full: bool,
    half_close: Option<Box<HalfClose>>,
    watch: Option<Box<Watch>>,
}

impl<S> Guarded<S> {
    pub(in crate::proxy) fn new(stream: S, gate: Rc<Gate>, limits: HeadLimits) -> Self {
        Self {
            stream,
            sieve: Sieve::new(gate, limits),
            is_put_off: false,
            is_full: false,
            half_close: None,
            watch: None,
        }
    }

    /// The stream, and what was read from it and given to nobody: what follows a request
    /// that asked for another protocol.
    pub(in crate::proxy) fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.sieve.into_kept())
    }

    #[cfg(test)]
    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Memory that is taken.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.sieve.memory()
    }

    fn is_answered(&self) -> bool {
        self.sieve.gate().is_answered()
    }

    /// What there is instead of further bytes.
    fn poll_end(&mut self, end: End, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match end {
            End::Stream => {
                self.sieve.gate().presence().head().stop();
                self.poll_gone(cx).map(Ok)
            }
            // The answer ends the connection.
            End::Refused => Poll::Pending,
            End::Broken(violation) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)))
            }
        }
    }

    /// Ready once the end of the stream is to be told: at once if it breaks off a body, or
    /// if nobody waits for an answer. While a request runs, and until its answer has gone
    /// to its last byte, hyper takes an end for an abort.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.sieve.is_in_body() || self.is_answered() && !self.is_full {
            self.half_close = None;
            return Poll::Ready(());
        }
        let half_close = self.half_close.get_or_insert_with(|| Box::new(HalfClose::new()));
        half_close.poll_gone(cx, self.is_full)
    }

    fn note(&mut self, written: &Poll<io::Result<usize>>) {
        self.is_full = written.is_pending();
        if let Some(half_close) = &mut self.half_close
            && !self.is_full
        {
            half_close.told();
        }
    }

    /// All is said for now, perhaps all of an answer.
    fn flushed(&mut self, cx: &Context<'_>) {
        if std::mem::take(&mut self.is_full)
            && let Some(half_close) = &mut self.half_close
        {
            half_close.told();
        }
        if self.is_put_off && self.is_answered() {
            self.is_put_off = false;
            self.half_close = None;
            cx.waker().wake_by_ref();
        } else if let Some(half_close) = &mut self.half_close
            && half_close.take_unwatched()
        {
            cx.waker().wake_by_ref();
        }
    }
}

impl<S: AsyncRead + Watched + Unpin> Guarded<S> {
    fn poll_some(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        // Nothing read would mean the end of the stream, so what does not go on at once
        // has the socket asked again, until that has nothing either.
        while buf.filled().len() == before {
            self.sieve.heed_time();
            if self.sieve.is_ready() {
                self.sieve.give(buf);
            } else if self.sieve.is_due() {
                self.sieve.judge_kept();
            } else if let Some(end) = self.sieve.end() {
                return self.poll_end(end, cx);
            } else if self.sieve.is_empty() {
                ready!(self.read_through(cx, buf))?;
            } else {
                ready!(self.read_aside(cx))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads into `buf` what may go on, and keeps the rest.
    fn read_through(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = &mut buf.filled_mut()[before..];
        if read.is_empty() {
            self.sieve.ends();
        }
        let passed = self.sieve.sift(read);
        buf.set_filled(before + passed);
        Poll::Ready(Ok(()))
    }

    /// Reads more behind what is kept.
    fn read_aside(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sieve.is_full() {
            let watch = self.watch.get_or_insert_with(|| Box::new(Watch::new()));
            match ready!(watch.poll(cx, &self.stream)) {
                Leaving::BrokeOff => {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                Leaving::SaidAll => {
                    ready!(self.poll_gone(cx));
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        }
        match pin!(self.stream.read_buf(self.sieve.room())).poll(cx)? {
            Poll::Ready(0) => self.sieve.ends(),
            Poll::Ready(_) => self.sieve.judge_kept(),
            Poll::Pending => {
                self.sieve.wait(cx.waker());
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Watched + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.poll_some(cx, buf);
        this.is_put_off =
            polled.is_pending() && (this.sieve.is_held() || this.half_close.is_some());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.note(&written);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        if flushed.is_ready() {
            this.flushed(cx);
        } else {
            // TLS has taken all, and the client has not.
            this.is_full = true;
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.note(&written);
        written
    }
}
