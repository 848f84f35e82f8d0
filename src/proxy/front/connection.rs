//! One connection of a client while it is used.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use http_body::{Body as _, Frame};

use super::hearing::{Heard, Hearing, Next};
use super::outgoing::Outgoing;
use super::response::{self, Asked, Framing, Told};
use crate::proxy::answer::Answer;
use crate::proxy::body::Body;
use crate::proxy::error::ProxyError;
use crate::proxy::tunnel::Line;
use crate::proxy::wire::{write_chunk_size, write_last_chunk};
use crate::server::Silence;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What follows the content of a chunk that is the last one.
const LAST_CHUNK_BEHIND: &[u8] = b"\r\n0\r\n\r\n";

/// Why a response does not arrive whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("the client is gone")]
    Gone,
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    #[error("the response broke off")]
    Body(#[source] ProxyError),
    #[error("the response is not as long as its head says")]
    Length,
}

/// A connection on which requests are read and answered, one after the other.
pub(super) struct Connection<'s, S> {
    stream: &'s mut S,
    hearing: Hearing,
    out: Outgoing,
    /// What is left of the response.
    body: Option<Body>,
    framing: Framing,
    has_begun: bool,
    /// Content of the response that was handed on, in bytes.
    content_said: u64,
    /// How the response broke off, before that is told.
    failed: Option<Lost>,
}

impl<'s, S: Line> Connection<'s, S> {
    pub(super) fn new(stream: &'s mut S, hearing: Hearing) -> Self {
        Self {
            stream,
            hearing,
            out: Outgoing::default(),
            body: None,
            framing: Framing::None,
            has_begun: false,
            content_said: 0,
            failed: None,
        }
    }

    pub(super) fn hearing(&self) -> &Hearing {
        &self.hearing
    }

    pub(super) fn into_hearing(self) -> Hearing {
        self.hearing
    }

    /// Ready with what comes next. The head of a request is read into `parts`.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>, parts: &mut Parts) -> Poll<Next> {
        self.hearing.poll_next(cx, self.stream, parts)
    }

    /// Lets a request be answered, and gives it its content meanwhile. `None` if its client
    /// is gone before.
    pub(super) fn poll_answered<F: Future>(
        &mut self,
        cx: &mut Context<'_>,
        mut answering: Pin<&mut F>,
    ) -> Poll<Option<F::Output>> {
        loop {
            if let Poll::Ready(answer) = answering.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            match ready!(self.poll_hear(cx)) {
                Heard::Part => {}
                Heard::Gone => return Poll::Ready(None),
            }
        }
    }

    /// Begins with the answer to what was `asked`; whether the connection goes on
    /// behind it.
    pub(super) fn begin(&mut self, answer: Answer, asked: &Asked) -> bool {
        let Answer { head, body } = answer;
        let size = body.size_hint();
        if self.hearing.take_unasked() {
            // Whoever wants the content was answered in the same moment.
            self.out.next.front.extend_from_slice(CONTINUE);
        }
        let Told { framing, persists } =
            response::write(&head, &size, asked, &mut self.out.next.front);
        self.body = (framing != Framing::None).then_some(body);
        if framing == Framing::UntilClose {
            // Until all is said, the end of the connection would pass for that of the content.
            self.stream.break_off();
        }
        self.framing = framing;
        self.hearing.ask_no_more();
        self.has_begun = true;
        self.content_said = 0;
        persists
    }

    /// Content of the response that was handed on, in bytes.
    pub(super) fn content_said(&self) -> u64 {
        self.content_said
    }

    /// Ready once the client has taken all of the response, as far as the kernel tells.
    pub(super) fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        loop {
            if let Poll::Ready(said) = self.poll_say(cx) {
                if said.is_ok() && self.framing == Framing::UntilClose {
                    self.stream.end_in_order();
                }
                return Poll::Ready(said);
            }
            match ready!(self.poll_hear(cx)) {
                Heard::Part => {}
                Heard::Gone => return Poll::Ready(Err(Lost::Gone)),
            }
        }
    }

    /// Ready once the request was heard to its end, or will not be: whether the client is
    /// still there. Content is read for as long as somebody takes it and the `silence` between
    /// two parts is borne; what nobody takes is drained.
    pub(super) fn poll_heard_out(
        &mut self,
        cx: &mut Context<'_>,
        silence: &mut Silence,
    ) -> Poll<bool> {
        while !self.hearing.has_heard_request() {
            match self.poll_hear(cx) {
                Poll::Ready(Heard::Part) => silence.end(),
                Poll::Ready(Heard::Gone) => return Poll::Ready(false),
                Poll::Pending => {
                    ready!(silence.poll(cx));
                    self.hearing.give_up();
                }
            }
        }
        Poll::Ready(true)
    }

    /// Takes note that a request was answered.
    pub(super) fn settle(&mut self) {
        self.has_begun = false;
        self.hearing.settle();
    }

    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        if !self.has_begun {
            if self.hearing.take_unasked() {
                self.out.next.front.extend_from_slice(CONTINUE);
            }
            if !self.out.is_empty()
                && let Poll::Ready(Err(_)) = self.out.poll(cx, self.stream)
            {
                return Poll::Ready(Heard::Gone);
            }
        }
        self.hearing.poll(cx, self.stream, !self.out.is_empty())
    }

    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        loop {
            // What there is of a body leaves with the head.
            let waits = self.poll_stage(cx).is_pending();
            if !self.out.is_empty() {
                ready!(self.out.poll(cx, self.stream))?;
                self.hearing.told();
            }
            if let Some(lost) = self.failed.take() {
                return Poll::Ready(Err(lost));
            }
            if self.body.is_none() {
                return Poll::Ready(Ok(()));
            }
            if waits {
                return Poll::Pending;
            }
        }
    }

    /// Takes the next part of the body, once there is room.
    fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(body) = &mut self.body else { return Poll::Ready(()) };
        if !self.out.next.has_no_content() {
            return Poll::Ready(());
        }
        let staged = match ready!(Pin::new(body).poll_frame(cx)) {
            None => self.end(None),
            Some(Ok(frame)) => self.stage(frame),
            Some(Err(error)) => Err(Lost::Body(error)),
        };
        if let Err(lost) = staged {
            (self.body, self.failed) = (None, Some(lost));
        }
        Poll::Ready(())
    }

    fn stage(&mut self, frame: Frame<Bytes>) -> Result<(), Lost> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => return self.end(frame.into_trailers().ok().as_ref()),
        };
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.framing {
            Framing::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Lost::Length)?;
            }
            Framing::Chunks(_) => {
                write_chunk_size(data.len(), &mut self.out.next.front);
                self.out.next.back = b"\r\n";
            }
            Framing::None | Framing::UntilClose => {}
        }
        self.content_said += data.len() as u64;
        self.out.next.data = data;
        if self.body.as_ref().is_some_and(http_body::Body::is_end_stream) {
            return self.end(None);
        }
        Ok(())
    }

    /// The content has ended. Whatever it came over is free at once.
    fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Lost> {
        self.body = None;
        match &self.framing {
            Framing::Length(1..) => return Err(Lost::Length),
            Framing::Chunks(_) if !self.out.next.data.is_empty() => {
                self.out.next.back = LAST_CHUNK_BEHIND;
            }
            Framing::Chunks(announced) => {
                write_last_chunk(trailers, announced.as_ref(), &mut self.out.next.front);
            }
            Framing::Length(0) | Framing::None | Framing::UntilClose => {}
        }
        Ok(())
    }
}
