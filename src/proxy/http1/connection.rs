//! One connection to an endpoint, and the exchange on it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use super::broken::Broken;
use super::content::Framing;
use super::reader::{HeadMax, Reader, judge};
use super::response::{Parsed, framing};
use super::sending::Sending;
use crate::model::{Endpoint, Limits};
use crate::proxy::connect::Socket;
use crate::proxy::headers::Head;
use crate::proxy::inflow::Inflow;
use crate::proxy::reply::Reply;
use crate::proxy::upload::Upload;
use crate::server::Alarm;

/// Responses of status 1xx before the one that counts.
const INTERIM_MAX: u32 = 32;

/// A connection that takes one request after the other.
pub(in crate::proxy) struct Connection {
    socket: Socket,
    /// What was read and not taken.
    read: Inflow,
    reader: Reader,
    /// So much of a head that is not whole was looked at.
    judged: usize,
    sending: Sending,
    /// The request, if it was answered before it had left.
    rest: Option<Rest>,
    /// Responses of status 1xx to this request.
    interim: u32,
    framing: Framing,
    /// Whether there was a head of a response to the last request.
    is_heard: bool,
    /// Whether it goes on behind the response.
    persists: bool,
    has_answered: bool,
    /// Kept from one request to the next.
    alarm: Alarm,
    head_max: HeadMax,
}

/// What sends the rest of a request that is answered: the response may be waited for by a
/// client that is waited for by the request.
struct Rest(JoinHandle<Result<(), Broken>>);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub(in crate::proxy) fn new(socket: Socket, limits: &Limits) -> Self {
        Self {
            socket,
            read: Inflow::of(BytesMut::new()),
            reader: Reader::default(),
            judged: 0,
            sending: Sending::default(),
            rest: None,
            interim: 0,
            framing: Framing::Ended,
            is_heard: true,
            persists: true,
            has_answered: false,
            alarm: Alarm::default(),
            head_max: HeadMax {
                bytes: limits.header_bytes.get(),
                fields: limits.header_count.get(),
            },
        }
    }

    pub(in crate::proxy) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Whether it has answered a request before.
    pub(in crate::proxy) fn has_answered(&self) -> bool {
        self.has_answered
    }

    pub(in crate::proxy) fn note_answer(&mut self, alarm: Alarm) {
        self.has_answered = true;
        self.alarm = alarm;
    }

    /// What wakes who waits too long for a response, until there is one.
    pub(in crate::proxy) fn take_alarm(&mut self) -> Alarm {
        std::mem::take(&mut self.alarm)
    }

    /// Sends a request, and waits for the head of the response to it. What
    /// is told before that is heard: it may ask for the body.
    pub(in crate::proxy) async fn exchange(
        &mut self,
        head: &impl Head,
        endpoint: &Endpoint,
        upload: Upload,
    ) -> Result<Reply, Broken> {
        self.sending.begin(head, endpoint, upload);
        // Nothing goes on behind an exchange that does not come to its end.
        (self.persists, self.is_heard) = (false, false);
        self.interim = 0;
        poll_fn(|cx| self.poll_exchange(cx, head.method())).await
    }

    fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
    ) -> Poll<Result<Reply, Broken>> {
        loop {
            // Read first: who takes no more may have said why, and a write that meets a reset
            // takes along what was said.
            let Poll::Ready(head) = self.poll_head(cx) else {
                return match self.sending.poll(cx, &self.socket) {
                    Poll::Ready(Err(broken)) => Poll::Ready(Err(broken)),
                    Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
                };
            };
            let head = head?;
            if !self.sending.has_begun() {
                // It was said to whoever asked before, or to nobody.
                return Poll::Ready(Err(Broken::Ended));
            }
            if head.is_interim() {
                self.note_interim(&head)?;
                continue;
            }
            let Parsed { reply, persists } = head;
            self.framing = framing(method, &reply, self.head_max.fields)?;
            self.is_heard = reply.status != StatusCode::SWITCHING_PROTOCOLS;
            self.persists =
                persists && self.is_heard && !matches!(self.framing, Framing::UntilClose);
            if !self.sending.is_through() {
                self.send_rest();
            }
            return Poll::Ready(Ok(reply));
        }
    }

    /// Takes note of a response that is not the last one.
    fn note_interim(&mut self, head: &Parsed) -> Result<(), Broken> {
        if head.reply.status == StatusCode::CONTINUE {
            self.sending.ask();
        }
        self.interim += 1;
        if self.interim > INTERIM_MAX {
            return Err(Broken::Head("too many others of status 1xx precede it"));
        }
        Ok(())
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Parsed, Broken>> {
        loop {
            if let Some(head) = self.reader.take(&mut self.read, self.head_max)? {
                self.judged = 0;
                return Poll::Ready(Ok(head));
            }
            if !self.read.is_empty() && self.read.len() >= self.judged * 2 {
                self.judged = self.read.len();
                judge(&self.read, self.head_max.fields)?;
            }
            if ready!(self.poll_read(cx, 0))? == 0 {
                return Poll::Ready(Err(Broken::Ended));
            }
        }
    }

    /// Lets a task send what has not left.
    fn send_rest(&mut self) {
        let (mut sending, socket) = (std::mem::take(&mut self.sending), self.socket.clone());
        let rest = async move { poll_fn(|cx| sending.poll(cx, &socket)).await };
        self.rest = Some(Rest(tokio::task::spawn_local(rest)));
    }

    /// The next part of the content; `None` at its end.
    pub(in crate::proxy) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(rest) = &mut self.rest
            && let Poll::Ready(sent) = Pin::new(&mut rest.0).poll(cx)
        {
            self.rest = None;
            sent.unwrap_or(Err(Broken::Ended)).inspect_err(|_| self.persists = false)?;
        }
        loop {
            let coming = self.framing.coming(self.read.len());
            // What ends here is told behind what came before.
            if self.read.is_worth_more(coming)
                && matches!(self.poll_read(cx, coming), Poll::Ready(Ok(1..)))
            {
                continue;
            }
            if let Poll::Ready(frame) = self.framing.take(&mut self.read) {
                return Poll::Ready(frame);
            }
            if ready!(self.poll_read(cx, coming))? == 0 {
                self.framing.close()?;
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, coming: u64) -> Poll<Result<usize, Broken>> {
        let Self { read, socket, .. } = self;
        read.poll_read(coming, |bytes| socket.poll_read_buf(cx, bytes)).map_err(Broken::from)
    }

    /// Whether the content has ended.
    pub(in crate::proxy) fn is_at_end(&self) -> bool {
        self.framing.has_ended()
    }

    /// How much of the content is left.
    pub(in crate::proxy) fn size_hint(&self) -> SizeHint {
        self.framing.size_hint()
    }

    /// Whether the request has left.
    pub(in crate::proxy) fn is_sent(&self) -> bool {
        match &self.rest {
            None => self.sending.is_through(),
            Some(rest) => rest.0.is_finished(),
        }
    }

    /// The body of the request, if nothing of it has left.
    pub(in crate::proxy) fn take_back(&mut self) -> Option<Upload> {
        self.sending.take_back()
    }

    /// Whether it can take another request: the last exchange has ended, and nothing came
    /// that nobody asked for.
    pub(in crate::proxy) fn is_free(&self) -> bool {
        self.persists && self.has_ended() && self.read.is_empty()
    }

    /// Whether the last exchange has ended on both sides.
    fn has_ended(&self) -> bool {
        self.is_heard
            && self.framing.has_ended()
            && self.rest.is_none()
            && self.sending.is_through()
    }

    /// Leaves no more memory than a connection needs that waits.
    pub(in crate::proxy) fn settle(&mut self) {
        self.read.shrink();
    }

    /// What is left where HTTP has ended: the socket, and what came behind the response.
    pub(in crate::proxy) fn into_bare(mut self) -> (Socket, Bytes) {
        (self.socket.clone().bare(), self.read.split().freeze())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.has_ended() {
            self.socket.say_goodbye();
        }
    }
}
