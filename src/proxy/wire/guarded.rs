//! A client's stream, less the bytes that nobody shall read.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::framer::{Framer, Step};
use super::gate::Gate;
use super::head::HeadLimits;
use super::refusal::{Refusal, Violation};

/// What is read at once while a head is not whole.
const READ_BYTES: usize = 8 << 10;
/// Room that is worth a system call.
const READ_BYTES_MIN: usize = 1 << 10;

/// What is read behind a request that asks for another protocol. It is read at all to see
/// the client leave.
const HELD_BYTES_MAX: usize = 8 << 10;

/// What hyper is given in place of a head that is refused. The [`Gate`] knows it.
pub(super) const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// A stream that gives its reader whole, good heads, and bodies.
///
/// Bytes are read where the reader wants them and judged there, so that nearly all of
/// them are copied by nobody. Those that cannot go on yet are kept aside: the beginning
/// of a head, and what is held.
pub(in crate::proxy) struct Guarded<S> {
    stream: S,
    gate: Rc<Gate>,
    framer: Framer,
    /// What was read and not given. It takes no memory while there is nothing.
    kept: BytesMut,
    /// So many bytes of it may go on.
    cleared: usize,
    end: Option<End>,
}

/// Why nothing more is read from the stream.
#[derive(Debug, Clone, Copy)]
enum End {
    Stream,
    /// A head is refused. What stands in for it is given once.
    Refused {
        told: bool,
    },
    Broken(Violation),
}

impl<S> Guarded<S> {
    pub(in crate::proxy) fn new(stream: S, gate: Rc<Gate>, limits: HeadLimits) -> Self {
        Self {
            stream,
            gate,
            framer: Framer::new(limits),
            kept: BytesMut::new(),
            cleared: 0,
            end: None,
        }
    }

    /// The stream, and what was read from it and given to nobody: what follows a request
    /// that asked for another protocol.
    pub(in crate::proxy) fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.kept.freeze())
    }

    #[cfg(test)]
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Memory that is taken.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.capacity()
    }

    /// Judges `bytes` and moves to the front what may go on: so much. Then follow those
    /// to be kept, up to the other number.
    fn judge(&mut self, bytes: &mut [u8]) -> (usize, usize) {
        let (mut passed, mut end) = (0, bytes.len());
        let mut waits = false;
        while passed < end && !waits {
            match self.framer.step(&mut bytes[passed..end]) {
                Step::Pass(more) => passed += more,
                Step::Skip(empty) => {
                    bytes.copy_within(passed + empty..end, passed);
                    end -= empty;
                }
                Step::Wait => waits = true,
                Step::Hold if self.gate.is_released(self.framer.heads()) => self.framer.release(),
                Step::Hold => break,
                Step::Refuse(refusal) => {
                    self.refuse(refusal);
                    end = passed;
                }
                Step::Break(violation) => {
                    self.end = Some(End::Broken(violation));
                    self.gate.linger();
                    end = passed;
                }
            }
        }
        self.gate.pass(self.framer.heads());
        if waits {
            self.gate.presence().head().moved();
        } else {
            self.gate.presence().head().stop();
        }
        (passed, end)
    }

    fn judge_kept(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        let (passed, end) = self.judge(&mut kept);
        kept.truncate(end);
        self.cleared = passed;
        self.kept = kept;
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.gate.refuse(refusal);
        self.end = Some(End::Refused { told: false });
    }

    /// Does what was decided since bytes were last asked for.
    fn heed(&mut self) {
        let head = self.gate.presence().head();
        if head.is_late() && head.is_running() {
            head.stop();
            self.kept.truncate(self.cleared);
            self.refuse(Refusal::Late);
        }
        if self.framer.is_held() && self.gate.is_released(self.framer.heads()) {
            self.framer.release();
            self.judge_kept();
        }
    }

    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.cleared.min(buf.remaining());
        buf.put_slice(&self.kept[..count]);
        self.kept.advance(count);
        self.cleared -= count;
        if self.kept.is_empty() {
            self.kept = BytesMut::new();
        }
    }

    /// What there is instead of further bytes.
    fn say(&mut self, end: End, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match end {
            End::Stream => {
                self.gate.presence().head().stop();
                Poll::Ready(Ok(()))
            }
            End::Refused { told: false } => {
                buf.put_slice(STAND_IN);
                self.end = Some(End::Refused { told: true });
                Poll::Ready(Ok(()))
            }
            // The answer ends the connection.
            End::Refused { told: true } => Poll::Pending,
            End::Broken(violation) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Guarded<S> {
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
            self.end = Some(End::Stream);
        }
        let (passed, end) = self.judge(read);
        self.kept.extend_from_slice(&read[passed..end]);
        buf.set_filled(before + passed);
        Poll::Ready(Ok(()))
    }

    /// Reads more behind what is kept.
    fn read_aside(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_held = self.framer.is_held();
        if is_held {
            self.gate.wait(cx.waker());
            if self.kept.len() >= HELD_BYTES_MAX {
                return Poll::Pending;
            }
        }
        if self.kept.capacity() - self.kept.len() < READ_BYTES_MIN {
            self.kept.reserve(READ_BYTES);
        }
        match pin!(self.stream.read_buf(&mut self.kept)).poll(cx)? {
            Poll::Ready(0) => self.end = Some(End::Stream),
            Poll::Ready(_) if is_held => {}
            Poll::Ready(_) => self.judge_kept(),
            Poll::Pending => {
                if self.kept.is_empty() {
                    self.kept = BytesMut::new();
                }
                if !is_held {
                    self.gate.presence().head().wait(cx.waker());
                }
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.heed();
        let before = buf.filled().len();
        // Nothing read would mean the end of the stream, so what does not go on at once
        // has the socket asked again, until that has nothing either.
        while buf.filled().len() == before {
            if this.cleared > 0 {
                this.give(buf);
            } else if let Some(end) = this.end {
                return this.say(end, buf);
            } else if this.kept.is_empty() && !this.framer.is_held() {
                ready!(this.read_through(cx, buf))?;
            } else {
                ready!(this.read_aside(cx))?;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
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
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }
}
