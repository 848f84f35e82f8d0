//! What a client says on one connection: requests, one after the other.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::request::Parts;
use http_body::Frame;
use tokio::io::AsyncReadExt;

use super::content::{Content, Inlet, Part};
use super::dismissal::Dismissal;
use super::drain::Drain;
use super::half_close::HalfClose;
use super::head;
use super::watch::{Leaving, Watch};
use crate::proxy::expect::is_expected;
use crate::proxy::http1::parse_trailers;
use crate::proxy::inflow::Inflow;
use crate::proxy::tunnel::Line;
use crate::proxy::wire::{Framer, HeadLimits, Refusal, Step};
use crate::server::Presence;

/// What is read behind a request that runs. It is read at all to see the client leave.
const HELD_BYTES_MAX: usize = 8 << 10;

/// What comes next on a connection.
pub(super) enum Next {
    /// A request, with its content if it has any.
    Request(Option<Content>),
    Refused(Refusal),
    /// Nothing for a while.
    Idle,
    /// The end: the client has said its last, or is to be let go.
    End,
    /// The client broke off.
    Gone,
}

/// What was heard while a request runs.
pub(super) enum Heard {
    /// More of its content, or that there is no more.
    Part,
    /// The client is taken for gone.
    Gone,
}

/// Why nothing more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client has said its last.
    Said,
    /// What follows is not to be understood, or was not waited for.
    Unheard,
}

/// What is read of a client.
pub(super) struct Hearing {
    presence: Rc<Presence>,
    dismissal: Dismissal,
    framer: Framer,
    fields_max: usize,
    /// What was read and not taken.
    read: Inflow,
    /// Bytes of a head that is not whole.
    waiting: usize,
    /// Where content goes, while any is to come.
    inlet: Option<Rc<Inlet>>,
    /// The client waits to be asked for it.
    is_unasked: bool,
    /// What there is of the trailer section.
    trailers: BytesMut,
    drain: Option<Box<Drain>>,
    end: Option<End>,
    half_close: Option<Box<HalfClose>>,
    watch: Option<Box<Watch>>,
}

impl Hearing {
    /// `read` is what was read already.
    pub(super) fn new(presence: Rc<Presence>, limits: HeadLimits, read: BytesMut) -> Self {
        Self {
            dismissal: Dismissal::new(presence.clone()),
            presence,
            framer: Framer::new(limits),
            fields_max: limits.fields,
            read: Inflow::of(read),
            waiting: 0,
            inlet: None,
            is_unasked: false,
            trailers: BytesMut::new(),
            drain: None,
            end: None,
            half_close: None,
            watch: None,
        }
    }

    /// Whether another request may follow the one that runs.
    pub(super) fn goes_on(&self) -> bool {
        self.end != Some(End::Unheard)
    }

    /// Whether there is, or may be, what the client says and nobody will hear.
    pub(super) fn leaves_unheard(&self) -> bool {
        self.end == Some(End::Unheard) || self.inlet.is_some()
    }

    /// Whether the client waits to be asked for its content, and nothing of it came. It may
    /// say it or not, so that nobody knows what comes next.
    pub(super) fn is_unasked(&self) -> bool {
        self.is_unasked && self.read.is_empty()
    }

    /// Takes note that the client is answered, and will not be asked for its content.
    pub(super) fn ask_no_more(&mut self) {
        if self.is_unasked() {
            self.give_up();
        }
        self.is_unasked = false;
    }

    /// Hears no more of the client.
    pub(super) fn give_up(&mut self) {
        self.end = Some(End::Unheard);
        self.cut_content();
    }

    fn cut_content(&mut self) {
        if let Some(inlet) = self.inlet.take() {
            inlet.cut(io::ErrorKind::ConnectionAborted.into());
        }
    }

    /// Whether all of the request was read.
    pub(super) fn has_heard_request(&self) -> bool {
        self.inlet.is_none()
    }

    pub(super) fn is_dismissed(&self) -> bool {
        self.presence.is_dismissed()
    }

    /// What was read and is no request.
    pub(super) fn into_read(mut self) -> Bytes {
        self.read.split().freeze()
    }

    /// Something was said to the client.
    pub(super) fn told(&mut self) {
        if let Some(half_close) = &mut self.half_close {
            half_close.told();
        }
    }

    /// Takes note that a request was answered.
    pub(super) fn settle(&mut self) {
        (self.half_close, self.watch, self.drain) = (None, None, None);
        self.read.shrink();
    }

    /// Ready with what comes next, once the request before it is answered. The head of a
    /// request takes the place of another one in `parts`.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Line,
        parts: &mut Parts,
    ) -> Poll<Next> {
        loop {
            if let Some(next) = self.take_head(parts) {
                return Poll::Ready(next);
            }
            let head = self.presence.head();
            if head.is_late() && head.is_running() {
                head.stop();
                return Poll::Ready(self.refuse(Refusal::Late));
            }
            if self.end.is_some() {
                head.stop();
                return Poll::Ready(Next::End);
            }
            match self.poll_read(cx, stream) {
                Poll::Ready(Ok(0)) => self.end = Some(End::Said),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Next::Gone),
                Poll::Pending => return self.poll_idle(cx),
            }
        }
    }

    /// A head that has begun is waited for, even if the connection is dismissed.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let head = self.presence.head();
        if head.is_running() {
            head.wait(cx.waker());
            return Poll::Pending;
        }
        if self.dismissal.poll(cx).is_ready() {
            return Poll::Ready(Next::End);
        }
        // Of empty lines, the next one may be half said.
        if self.presence.has_been_idle() && self.framer.is_at_rest() {
            return Poll::Ready(Next::Idle);
        }
        Poll::Pending
    }

    fn refuse(&mut self, refusal: Refusal) -> Next {
        self.end = Some(End::Unheard);
        Next::Refused(refusal)
    }

    /// The next request, if all of its head is there.
    fn take_head(&mut self, parts: &mut Parts) -> Option<Next> {
        let mut waits = false;
        let mut next = None;
        while !waits && next.is_none() && !self.read.is_empty() {
            match self.framer.step(&mut self.read) {
                Step::Skip(len) => self.read.advance(len),
                Step::Wait => waits = true,
                Step::Head(len) => {
                    let bytes = self.read.split_to(len).freeze();
                    next = Some(match head::read(self.framer.head(), &bytes, parts) {
                        Ok(()) => self.begin(parts),
                        Err(refusal) => self.refuse(refusal),
                    });
                }
                Step::Refuse(refusal) => next = Some(self.refuse(refusal)),
                // Content was taken with the request before.
                Step::Data(_) | Step::Frame(_) | Step::Trailers(_) | Step::Break(_) => {
                    next = Some(Next::Gone);
                }
            }
        }
        let head = self.presence.head();
        if !waits {
            head.stop();
        } else if !head.is_running() || self.read.len() != self.waiting {
            self.waiting = self.read.len();
            head.moved();
        }
        next
    }

    fn begin(&mut self, parts: &Parts) -> Next {
        // However long the head was, what is held behind it is little.
        self.read.slow_down();
        if !self.framer.is_in_body() {
            return Next::Request(None);
        }
        let (content, inlet) = Content::new(self.framer.left());
        self.is_unasked = is_expected(parts);
        if self.is_unasked || !self.hand_over(&inlet) {
            self.inlet = Some(inlet);
        }
        Next::Request(Some(content))
    }

    /// Hands over what came with the head, so that it can go on with the head: of short
    /// content with a length that is all. Whether it is.
    fn hand_over(&mut self, inlet: &Inlet) -> bool {
        if self.read.is_worth_more(self.coming()) {
            return false;
        }
        let Some((part, has_ended)) = self.take_part() else { return false };
        // Chunks without content are passed on as that.
        let part = part.unwrap_or_else(|| Ok(Frame::data(Bytes::new())));
        inlet.fill(Some(part), has_ended);
        has_ended
    }

    /// Bytes of content that are known to come behind what was read.
    fn coming(&self) -> u64 {
        self.framer.left().map_or(0, |left| left.saturating_sub(self.read.len() as u64))
    }

    /// Whether the client is now to be asked for its content. That is told once.
    pub(super) fn take_unasked(&mut self) -> bool {
        self.is_unasked
            && self.inlet.as_ref().is_some_and(|inlet| inlet.is_wanted())
            && std::mem::take(&mut self.is_unasked)
    }

    /// Hears the client while its request runs. The client `is_full` if it has no room for
    /// what is said to it.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Line,
        is_full: bool,
    ) -> Poll<Heard> {
        let Some(inlet) = &self.inlet else {
            return self.poll_leaving(cx, stream, is_full);
        };
        inlet.wait(cx.waker());
        if inlet.is_abandoned() {
            ready!(self.poll_drained(cx, stream));
            return Poll::Ready(Heard::Part);
        }
        if !inlet.is_wanted() {
            // What it says is left to the kernel, so it is looked whether it breaks off.
            return self.watch().poll_broken(cx, stream).map(|()| Heard::Gone);
        }
        let inlet = inlet.clone();
        let (part, has_ended) = ready!(self.poll_part(cx, stream));
        if has_ended {
            self.inlet = None;
            self.read.shrink();
        }
        inlet.put(part, has_ended, cx.waker());
        Poll::Ready(Heard::Part)
    }

    /// The next part of the content, and whether it is the last one.
    fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Line,
    ) -> Poll<(Option<Part>, bool)> {
        loop {
            // What ends here is told behind what came before.
            if self.read.is_worth_more(self.coming())
                && matches!(self.poll_read(cx, stream), Poll::Ready(Ok(1..)))
            {
                continue;
            }
            if let Some(part) = self.take_part() {
                return Poll::Ready(part);
            }
            let error = match ready!(self.poll_read(cx, stream)) {
                Ok(0) => io::ErrorKind::UnexpectedEof.into(),
                Ok(_) => continue,
                Err(error) => error,
            };
            self.end = Some(End::Said);
            return Poll::Ready((Some(Err(error.into())), true));
        }
    }

    /// The same of what was read.
    fn take_part(&mut self) -> Option<(Option<Part>, bool)> {
        while !self.read.is_empty() {
            match self.framer.step(&mut self.read) {
                Step::Data(len) => {
                    let data = Frame::data(self.read.split_to(len).freeze());
                    return Some((Some(Ok(data)), !self.framer.is_in_body()));
                }
                Step::Trailers(len) => {
                    self.trailers.extend_from_slice(&self.read.split_to(len));
                    if !self.framer.is_in_body() {
                        return Some((self.take_trailers(), true));
                    }
                }
                Step::Break(violation) => {
                    self.end = Some(End::Unheard);
                    return Some((Some(Err(violation.into())), true));
                }
                Step::Frame(len) | Step::Skip(len) | Step::Head(len) => self.read.advance(len),
                Step::Wait | Step::Refuse(_) => return None,
            }
        }
        None
    }

    fn take_trailers(&mut self) -> Option<Part> {
        let section = std::mem::take(&mut self.trailers).freeze();
        match parse_trailers(&section, self.fields_max) {
            Ok(fields) if fields.is_empty() => None,
            Ok(fields) => Some(Ok(Frame::trailers(fields))),
            Err(broken) => Some(Err(broken.into())),
        }
    }

    /// Reads content that nobody takes. Ready at its end, or when it was waited for too
    /// long.
    fn poll_drained(&mut self, cx: &mut Context<'_>, stream: &mut impl Line) -> Poll<()> {
        let mut is_over = self.is_unasked();
        // Who sends without being asked will send all of it.
        self.is_unasked = false;
        while !is_over {
            let part = self.poll_part(cx, stream);
            if let Poll::Ready((_, true)) = part {
                self.inlet = None;
                return Poll::Ready(());
            }
            let drain = self.drain.get_or_insert_with(|| Box::new(Drain::new()));
            if part.is_pending() {
                ready!(drain.poll_over(cx));
                break;
            }
            is_over = drain.moved();
        }
        self.inlet = None;
        self.end = Some(End::Unheard);
        Poll::Ready(())
    }

    /// Ready once the client is taken for gone. What it says meanwhile is for later.
    fn poll_leaving(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Line,
        is_full: bool,
    ) -> Poll<Heard> {
        while self.end != Some(End::Said) {
            if self.end == Some(End::Unheard) || self.read.len() >= HELD_BYTES_MAX {
                match ready!(self.watch().poll(cx, stream)) {
                    Leaving::BrokeOff => return Poll::Ready(Heard::Gone),
                    Leaving::SaidAll => break,
                }
            }
            match ready!(self.poll_read(cx, stream)) {
                Ok(0) => self.end = Some(End::Said),
                Ok(_) => {}
                Err(_) => return Poll::Ready(Heard::Gone),
            }
        }
        let half_close = self.half_close.get_or_insert_with(|| Box::new(HalfClose::new()));
        half_close.poll_gone(cx, is_full).map(|()| Heard::Gone)
    }

    /// Looks at a client that is left unread.
    fn watch(&mut self) -> &mut Watch {
        self.watch.get_or_insert_with(|| Box::new(Watch::new()))
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Line,
    ) -> Poll<io::Result<usize>> {
        let coming = self.coming();
        self.read.poll_read(coming, |bytes| pin!(stream.read_buf(bytes)).poll(cx))
    }
}

/// Whoever waits for content is told that no more will come.
impl Drop for Hearing {
    fn drop(&mut self) {
        self.cut_content();
    }
}
