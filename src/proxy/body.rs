//! Bodies on their way through. Streamed in both directions, never held whole.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::linger::Linger;
use super::pool::Lease;
use crate::server::Busy;

/// The body of a response to a client.
pub(super) struct Body {
    source: Source,
    /// The client's connection is busy until its response is through.
    busy: Option<Busy>,
}

enum Source {
    Full(Option<Bytes>),
    Upstream {
        incoming: Incoming,
        /// The connection it comes over, pooled again when the body was read whole.
        lease: Option<Lease>,
        ended: bool,
    },
}

impl Body {
    pub(super) fn full(bytes: Bytes) -> Self {
        Self { source: Source::Full(Some(bytes)), busy: None }
    }

    pub(super) fn upstream(incoming: Incoming, lease: Lease) -> Self {
        let source = Source::Upstream { incoming, lease: Some(lease), ended: false };
        Self { source, busy: None }
    }

    pub(super) fn hold(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.source {
            Source::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Upstream { incoming, ended, .. } => {
                let frame = ready!(Pin::new(incoming).poll_frame(cx));
                *ended |= is_last(frame.as_ref());
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Source::Upstream { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Source::Upstream { incoming, .. } => incoming.size_hint(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // hyper drops a body that it knows to be at its end without asking again.
        if let Source::Upstream { incoming, lease, ended } = &mut self.source
            && (*ended || http_body::Body::is_end_stream(incoming))
            && let Some(lease) = lease.take()
        {
            lease.release();
        }
    }
}

/// Whether nothing follows. Trailers are the end of a body (RFC 9112, section
/// 7.1.2), after which hyper does not ask again.
fn is_last(frame: Option<&Result<Frame<Bytes>, hyper::Error>>) -> bool {
    match frame {
        None => true,
        Some(Ok(frame)) => frame.is_trailers(),
        Some(Err(_)) => false,
    }
}

/// How far a request's body has come.
pub(super) struct Progress {
    ended: Cell<bool>,
    moved: Cell<Instant>,
    /// The client was asked for more and has not given it.
    awaited: Cell<bool>,
}

impl Progress {
    fn new(ended: bool) -> Rc<Self> {
        Rc::new(Self {
            ended: Cell::new(ended),
            moved: Cell::new(Instant::now()),
            awaited: Cell::new(false),
        })
    }

    /// Whether the whole body was handed on.
    pub(super) fn ended(&self) -> bool {
        self.ended.get()
    }

    /// Whether it is the client who keeps the upload waiting. It is the upstream when
    /// what was handed on is not taken.
    pub(super) fn awaited(&self) -> bool {
        self.awaited.get()
    }

    /// When a part of it was last handed on, or it ended.
    pub(super) fn moved(&self) -> Instant {
        self.moved.get()
    }
}

/// The body of a request to an upstream. Dropped half-read, its rest is read for the
/// client's sake.
pub(super) struct Upload {
    incoming: Option<Incoming>,
    progress: Rc<Progress>,
    linger: Option<Linger>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(rest), Some(linger)) = (self.incoming.take(), &self.linger)
            && !http_body::Body::is_end_stream(&rest)
        {
            linger.read(rest);
        }
    }
}

impl Upload {
    /// `linger` is who reads the rest, if anybody should.
    pub(super) fn new(incoming: Incoming, linger: Option<Linger>) -> Self {
        let ended = http_body::Body::is_end_stream(&incoming);
        Self { incoming: (!ended).then_some(incoming), progress: Progress::new(ended), linger }
    }

    pub(super) fn empty() -> Self {
        Self { incoming: None, progress: Progress::new(true), linger: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.incoming.is_none()
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        self.progress.clone()
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { incoming, progress, .. } = &mut *self;
        let Some(incoming) = incoming else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(&mut *incoming).poll_frame(cx);
        progress.awaited.set(polled.is_pending());
        let frame = ready!(polled);
        let ended = match &frame {
            Some(Ok(_)) if http_body::Body::is_end_stream(incoming) => true,
            frame => is_last(frame.as_ref()),
        };
        progress.moved.set(Instant::now());
        progress.ended.set(ended);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}
