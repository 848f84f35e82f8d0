//! A connection of HTTP/1.1, from its first request to its end.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::{Method, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt, ReadBuf};

use super::connection::{Connection, Lost};
use super::dismissal::Dismissal;
use super::head;
use super::hearing::{Hearing, Next};
use super::linger::linger;
use super::response::Asked;
use crate::model::Timeouts;
use crate::proxy::connection::Visitor;
use crate::proxy::error::ProxyError;
use crate::proxy::passage::{Asking, Passage};
use crate::proxy::tunnel::{self, Line, Side};
use crate::proxy::upgrade::Switched;
use crate::proxy::upload::Source;
use crate::proxy::wire::HeadLimits;
use crate::proxy::worker::Worker;
use crate::server::{Busy, Presence, Silence};

/// What is read at once of a client that was parked.
const PARKED_READ_BYTES: usize = 4 << 10;

/// How a connection goes on when it is not used any more.
enum Parting {
    /// Nothing comes for a while.
    Parked,
    /// In another protocol, with what was read of it already.
    Switched(Switched, Bytes, Busy),
    /// It ends, in order; the client is heard out if it `lingers`.
    Ended {
        lingers: bool,
    },
    Lost,
}

/// Answers what comes over `stream` until it ends or is dismissed. `read` is what was read
/// of it already.
pub(in crate::proxy) async fn serve<S: Line>(
    worker: Rc<Worker>,
    visitor: Rc<Visitor>,
    mut stream: S,
    mut read: BytesMut,
) {
    loop {
        // Boxed is what an idle connection has no use for.
        let parting = Box::pin(talk(&worker, &visitor, &mut stream, read)).await;
        match parting {
            Parting::Parked => match parked(&mut stream, &visitor.presence).await {
                Some(more) => read = more,
                None => return Box::pin(leave(&worker, stream, false, &visitor.presence)).await,
            },
            Parting::Switched(switched, read, busy) => {
                let client = Side { stream, read };
                return Box::pin(carry(&worker, client, switched, busy)).await;
            }
            Parting::Ended { lingers } => {
                return Box::pin(leave(&worker, stream, lingers, &visitor.presence)).await;
            }
            Parting::Lost => return,
        }
    }
}

/// Waits for a client that has been silent, without memory for what it may say. `None` if
/// it ends, or is dismissed.
async fn parked(stream: &mut impl Line, presence: &Rc<Presence>) -> Option<BytesMut> {
    let mut dismissal = Dismissal::new(presence.clone());
    poll_fn(|cx| {
        let mut space = [const { MaybeUninit::uninit() }; PARKED_READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        match Pin::new(&mut *stream).poll_read(cx, &mut read) {
            Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                Poll::Ready(Some(BytesMut::from(read.filled())))
            }
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => dismissal.poll(cx).map(|()| None),
        }
    })
    .await
}

/// Closes the connection.
async fn leave(worker: &Worker, mut stream: impl Line, lingers: bool, presence: &Presence) {
    let Timeouts { client_idle, .. } = worker.policy().timeouts;
    drop(tokio::time::timeout(client_idle, stream.shutdown()).await);
    if lingers {
        linger(stream, presence).await;
    }
}

/// Goes on in the protocol that both sides have agreed on. The connection is busy for as
/// long as that lasts.
async fn carry(worker: &Worker, client: Side<impl Line>, switched: Switched, _busy: Busy) {
    let Timeouts { tunnel_idle, .. } = worker.policy().timeouts;
    let _open = worker.tallies.tunnel();
    let upstream = Side { stream: TokioIo::new(switched.socket), read: switched.read };
    tunnel::run(client, upstream, tunnel_idle).await;
}

/// Answers one request after the other.
async fn talk<S: Line>(
    worker: &Rc<Worker>,
    visitor: &Rc<Visitor>,
    stream: &mut S,
    read: BytesMut,
) -> Parting {
    let presence = &visitor.presence;
    let limits = HeadLimits::of(&worker.policy().limits);
    let hearing = Hearing::new(presence.clone(), limits, read);
    let mut connection = Connection::new(stream, hearing);
    let mut parts = head::blank();
    loop {
        head::clear(&mut parts);
        let next = match poll_fn(|cx| connection.poll_next(cx, &mut parts)).await {
            Next::Idle => return Parting::Parked,
            Next::End => return Parting::Ended { lingers: false },
            Next::Gone => return Parting::Lost,
            Next::Request(content) => Ok(content.map_or(Source::Empty, Source::Http1)),
            Next::Refused(refusal) => Err(ProxyError::Head(refusal)),
        };
        let busy = presence.busy();
        let is_last = visitor.is_last_request(worker.policy().limits.requests_per_connection);
        let asking = if next.is_ok() { Asking::Lent(&parts) } else { Asking::Unread };
        let mut passage = Passage::new(worker, visitor, asking);
        let (mut asked, mut answer) = match next {
            Ok(content) => {
                let persists = head::persists(&parts) && !is_last;
                let (method, version) = (parts.method.clone(), parts.version);
                let mut answering = pin!(worker.respond(&parts, content, &mut passage));
                let answered = poll_fn(|cx| connection.poll_answered(cx, answering.as_mut()));
                let Some(answer) = answered.await else { return Parting::Lost };
                (Asked { method, version, persists }, answer)
            }
            Err(refused) => {
                let (method, version) = (Method::GET, Version::HTTP_11);
                let asked = Asked { method, version, persists: false };
                (asked, worker.refuse(&mut passage, &refused))
            }
        };
        passage.status = Some(answer.head.status());
        let switched = answer.body.take_switched();
        // It was not for the client to end the connection.
        let closes = is_last || answer.head.closes();
        let hearing = connection.hearing();
        asked.persists &= hearing.goes_on() && !hearing.is_dismissed() && !hearing.is_unasked();
        let persists = connection.begin(answer, &asked);
        if let Err(lost) = poll_fn(|cx| connection.poll_said(cx)).await {
            tracing::debug!(error = &lost as &dyn std::error::Error, "connection ended");
            passage.bytes_out = connection.content_said();
            if let Lost::Body(error) = &lost {
                passage.break_off(error);
            }
            return Parting::Lost;
        }
        let ended = passage.end(connection.content_said());
        drop(passage);
        if let Some(switched) = switched {
            return Parting::Switched(switched, connection.into_hearing().into_read(), busy);
        }
        if connection.hearing().has_heard_request() {
            busy.end(ended);
        } else {
            let mut silence = Silence::of(worker.policy().timeouts.request_body_idle);
            if !poll_fn(|cx| connection.poll_heard_out(cx, &mut silence)).await {
                return Parting::Lost;
            }
            drop(busy);
        }
        let hearing = connection.hearing();
        if !persists || !hearing.goes_on() {
            return Parting::Ended { lingers: closes || hearing.leaves_unheard() };
        }
        connection.settle();
    }
}
