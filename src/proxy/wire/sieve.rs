//! What was read of a client: the bytes that go on, and those that are kept aside.

use std::ops::Range;
use std::rc::Rc;
use std::task::Waker;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::ReadBuf;

use super::framer::{Framer, Step};
use super::gate::Gate;
use super::head::HeadLimits;
use super::refusal::{Refusal, Violation};

/// What is read at once while bytes are kept.
const READ_BYTES: usize = 8 << 10;
/// Room that is worth a system call.
const READ_BYTES_MIN: usize = 1 << 10;

/// What is read behind a request that runs. It is read at all to see the client leave.
const HELD_BYTES_MAX: usize = 8 << 10;

/// What hyper is given in place of a head that is refused. The [`Gate`] knows it.
pub(super) const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// Judges what was read, and keeps what cannot go on yet: the beginning of a head, and all
/// that follows a request before its answer.
///
/// hyper looks for the end of a stream as long as it has nothing of it to read, so it is
/// given one request at a time. That also leaves what follows one that asks for another
/// protocol to whom it turns out to be for.
pub(super) struct Sieve {
    gate: Rc<Gate>,
    framer: Framer,
    /// What was read and not given. It takes no memory while there is nothing.
    kept: BytesMut,
    /// So many bytes of it may go on,
    cleared: usize,
    /// and behind them this, in place of a head.
    instead: Bytes,
    end: Option<End>,
}

/// Why nothing more is read from the stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Stream,
    Refused,
    Broken(Violation),
}

/// What became of bytes that were judged.
struct Judged {
    /// So many go on, and are the first now.
    passed: usize,
    /// What stays.
    left: Range<usize>,
}

impl Sieve {
    pub(super) fn new(gate: Rc<Gate>, limits: HeadLimits) -> Self {
        Self {
            gate,
            framer: Framer::new(limits),
            kept: BytesMut::new(),
            cleared: 0,
            instead: Bytes::new(),
            end: None,
        }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(super) fn into_kept(self) -> Bytes {
        self.kept.freeze()
    }

    /// Memory that is taken.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.kept.capacity() + self.instead.len()
    }

    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    /// The stream has ended.
    pub(super) fn ends(&mut self) {
        self.end = Some(End::Stream);
    }

    pub(super) fn is_in_body(&self) -> bool {
        self.framer.is_in_body()
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether there is something to give.
    pub(super) fn is_ready(&self) -> bool {
        self.cleared > 0 || !self.instead.is_empty()
    }

    /// Whether what is kept waits for nothing but to be judged. The beginning of a head
    /// waits for more of it.
    pub(super) fn is_due(&self) -> bool {
        !self.is_empty() && (self.is_in_body() || self.framer.is_between() && !self.awaits_answer())
    }

    /// Whether bytes are kept until the request before them is answered.
    pub(super) fn is_held(&self) -> bool {
        !self.is_empty() && self.awaits_answer()
    }

    /// Whether no more is to be read until then.
    pub(super) fn is_full(&self) -> bool {
        self.is_held() && self.kept.len() >= HELD_BYTES_MAX
    }

    /// Whether what comes next is for after the answer to what has passed.
    fn awaits_answer(&self) -> bool {
        self.framer.is_between() && !self.gate.is_answered()
    }

    /// Judges what was read while nothing was kept, and keeps what is not among the first
    /// of its bytes, those that passed: how many these are.
    pub(super) fn sift(&mut self, read: &mut [u8]) -> usize {
        let Judged { passed, left } = self.judge(read);
        self.kept.extend_from_slice(&read[left]);
        passed
    }

    /// Judges what is kept, of which nothing has passed yet.
    pub(super) fn judge_kept(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        let Judged { passed, left } = self.judge(&mut kept);
        kept.truncate(left.end);
        let dropped = left.start - passed;
        if dropped > 0 {
            kept.copy_within(..passed, dropped);
            kept.advance(dropped);
        }
        self.cleared = passed;
        if !kept.is_empty() {
            self.kept = kept;
        }
    }

    /// Judges `bytes`, up to a head that goes on in another spelling, or to what is not
    /// for now.
    fn judge(&mut self, bytes: &mut [u8]) -> Judged {
        let (mut passed, mut at, mut end) = (0, 0, bytes.len());
        let mut waits = false;
        while at < end && !waits && self.instead.is_empty() && !self.awaits_answer() {
            match self.framer.step(&mut bytes[at..end]) {
                Step::Pass(more) => {
                    if at != passed {
                        bytes.copy_within(at..at + more, passed);
                    }
                    passed += more;
                    at += more;
                }
                Step::PassAs(head, respelled) => {
                    at += head;
                    self.instead = respelled.into();
                }
                Step::Skip(empty) => at += empty,
                Step::Wait => waits = true,
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
            self.gate.pass(self.framer.heads());
        }
        if waits {
            self.gate.presence().head().moved();
        } else {
            self.gate.presence().head().stop();
        }
        Judged { passed, left: at..end }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.gate.refuse(refusal);
        self.instead = Bytes::from_static(STAND_IN);
        self.end = Some(End::Refused);
    }

    /// Refuses a head that was declared late since bytes were last asked for.
    pub(super) fn heed_time(&mut self) {
        let head = self.gate.presence().head();
        if head.is_late() && head.is_running() {
            head.stop();
            self.kept.truncate(self.cleared);
            self.refuse(Refusal::Late);
        }
    }

    /// Gives what is ready.
    pub(super) fn give(&mut self, buf: &mut ReadBuf<'_>) {
        if self.cleared > 0 {
            let count = self.cleared.min(buf.remaining());
            buf.put_slice(&self.kept[..count]);
            self.kept.advance(count);
            self.cleared -= count;
            if self.kept.is_empty() {
                self.kept = BytesMut::new();
            }
        } else {
            let count = self.instead.len().min(buf.remaining());
            buf.put_slice(&self.instead[..count]);
            self.instead.advance(count);
            if self.instead.is_empty() {
                self.instead = Bytes::new();
            }
        }
    }

    /// Where more is read, behind what is kept.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        if self.kept.capacity() - self.kept.len() < READ_BYTES_MIN {
            self.kept.reserve(READ_BYTES);
        }
        &mut self.kept
    }

    /// Names whom to wake should a head that has begun be late.
    pub(super) fn wait(&self, reader: &Waker) {
        if !self.is_held() {
            self.gate.presence().head().wait(reader);
        }
    }
}
