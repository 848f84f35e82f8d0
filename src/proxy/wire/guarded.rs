//! A client's stream, less the bytes that nobody shall read.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::framer::{Framer, Step};
use super::gate::Gate;
use super::half_close::HalfClose;
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
/// of a head, and what is held. So is a head that goes on in another spelling, which may
/// be too long for where it was read.
pub(in crate::proxy) struct Guarded<S> {
    stream: S,
    gate: Rc<Gate>,
    framer: Framer,
    /// What was read and not given. It takes no memory while there is nothing.
    kept: BytesMut,
    /// So many bytes of it may go on.
    cleared: usize,
    end: Option<End>,
    /// The client has no room for all that is said to it.
    is_full: bool,
    half_close: Option<Box<HalfClose>>,
}

/// What became of bytes that were judged.
struct Judged {
    /// So many go on, and are the first now.
    passed: usize,
    /// Behind them goes this. What is left was not judged then.
    instead: Option<Vec<u8>>,
    /// What else there is.
    left: Range<usize>,
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
            is_full: false,
            half_close: None,
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

    /// Judges `bytes`, up to a head that goes on in another spelling.
    fn judge(&mut self, bytes: &mut [u8]) -> Judged {
        let (mut passed, mut at, mut end) = (0, 0, bytes.len());
        let (mut instead, mut waits) = (None, false);
        while at < end && !waits && instead.is_none() {
            match self.framer.step(&mut bytes[at..end]) {
                Step::Pass(more) => {
                    move_back(bytes, at..at + more, passed);
                    passed += more;
                    at += more;
                }
                Step::PassAs(head, respelled) => {
                    at += head;
                    instead = Some(respelled);
                }
                Step::Skip(empty) => at += empty,
                Step::Wait => waits = true,
                Step::Hold if self.gate.is_released(self.framer.heads()) => self.framer.release(),
                Step::Hold => break,
                Step::Refuse(refusal) => {
                    self.refuse(refusal);
                    end = at;
                }
                Step::Break(violation) => {
                    self.end = Some(End::Broken(violation));
                    self.gate.linger();
                    end = at;
                }
            }
        }
        self.gate.pass(self.framer.heads());
        if waits {
            self.gate.presence().head().moved();
        } else {
            self.gate.presence().head().stop();
        }
        Judged { passed, instead, left: at..end }
    }

    /// Judges what is kept and not cleared.
    fn judge_kept(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        let judged = self.judge(&mut kept[self.cleared..]);
        let from = self.cleared;
        self.cleared += judged.passed;
        if judged.instead.is_some() {
            self.kept.extend_from_slice(&kept[..self.cleared]);
            self.keep(judged, &mut kept[from..]);
        } else {
            let left = from + judged.left.start..from + judged.left.end;
            let end = self.cleared + left.len();
            move_back(&mut kept, left, self.cleared);
            kept.truncate(end);
            self.kept = kept;
        }
    }

    /// Keeps what is not among the first of `bytes`, those that passed.
    fn keep(&mut self, mut judged: Judged, mut bytes: &mut [u8]) {
        while let Some(head) = judged.instead {
            self.kept.extend_from_slice(&head);
            bytes = &mut bytes[judged.left];
            judged = self.judge(bytes);
            self.kept.extend_from_slice(&bytes[..judged.passed]);
            self.cleared = self.kept.len();
        }
        self.kept.extend_from_slice(&bytes[judged.left]);
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
    fn say(
        &mut self,
        end: End,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match end {
            End::Stream => {
                self.gate.presence().head().stop();
                self.poll_gone(cx).map(Ok)
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

    /// Ready once the end of the stream is to be told: at once if it breaks off a body, or
    /// if nobody waits for an answer. While a request runs, and until its answer has gone
    /// to its last byte, hyper takes an end for an abort.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_idle = !self.gate.presence().is_busy() && !self.is_full;
        if self.framer.is_in_body() || is_idle {
            self.half_close = None;
            return Poll::Ready(());
        }
        if self.framer.is_held() {
            self.gate.wait(cx.waker());
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

    /// All is said for now, perhaps all of an answer. hyper asks no stream again that had
    /// nothing.
    fn flushed(&mut self, cx: &Context<'_>) {
        let was_full = std::mem::take(&mut self.is_full);
        let Some(half_close) = &mut self.half_close else { return };
        if was_full {
            half_close.told();
        }
        if !self.gate.presence().is_busy() {
            self.half_close = None;
            cx.waker().wake_by_ref();
        } else if half_close.take_unwatched() {
            cx.waker().wake_by_ref();
        }
    }
}

/// Moves `range` of `bytes` to where `to` is, which is not behind it.
fn move_back(bytes: &mut [u8], range: Range<usize>, to: usize) {
    if range.start != to {
        bytes.copy_within(range, to);
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
        let judged = self.judge(read);
        let passed = judged.passed;
        self.keep(judged, read);
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
        let before = buf.filled().len();
        // Nothing read would mean the end of the stream, so what does not go on at once
        // has the socket asked again, until that has nothing either.
        while buf.filled().len() == before {
            this.heed();
            if this.cleared > 0 {
                this.give(buf);
            } else if let Some(end) = this.end {
                return this.say(end, cx, buf);
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
