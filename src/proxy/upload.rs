//! Bodies of requests on their way through: streamed, never held whole.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::is_last;
use super::linger::Linger;

/// How far a request's body has come.
pub(super) struct Progress {
    begun: Cell<bool>,
    ended: Cell<bool>,
    moved: Cell<Instant>,
    /// The client was asked for more and has not given it.
    awaited: Cell<bool>,
}

impl Progress {
    fn new(ended: bool) -> Rc<Self> {
        Rc::new(Self {
            begun: Cell::new(false),
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

    /// Takes note of what was read, if anything was, for a body that is at its end
    /// after that or not.
    fn note(&self, polled: &Poll<Read>, at_end: bool) {
        self.awaited.set(polled.is_pending());
        let Poll::Ready(frame) = polled else { return };
        self.begun.set(self.begun.get() || frame.is_some());
        self.moved.set(Instant::now());
        let is_whole = matches!(frame, Some(Ok(_))) && at_end;
        self.ended.set(is_whole || is_last(frame.as_ref()));
    }
}

type Read = Option<Result<Frame<Bytes>, hyper::Error>>;

/// The body of a request to an upstream.
pub(super) struct Upload {
    source: UploadSource,
    progress: Rc<Progress>,
}

enum UploadSource {
    Empty,
    Own(Rest),
    /// Somebody may want it back, and has taken it when there is none.
    Lent(Rc<RefCell<Option<Rest>>>),
}

/// What is still to be read from the client. Dropped half-read, it is read for the
/// client's sake.
struct Rest {
    incoming: Option<Incoming>,
    /// Who reads it then, if anybody should.
    linger: Option<Linger>,
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let (Some(rest), Some(linger)) = (self.incoming.take(), &self.linger)
            && !http_body::Body::is_end_stream(&rest)
        {
            linger.read(rest);
        }
    }
}

impl Rest {
    fn poll(&mut self, cx: &mut Context<'_>, progress: &Progress) -> Poll<Read> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let polled = http_body::Body::poll_frame(Pin::new(&mut *incoming), cx);
        progress.note(&polled, http_body::Body::is_end_stream(incoming));
        polled
    }

    fn is_at_end(&self) -> bool {
        self.incoming.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

impl Upload {
    /// `linger` is who reads the rest, if anybody should.
    pub(super) fn new(incoming: Incoming, linger: Option<Linger>) -> Self {
        Self::of(Rest { incoming: Some(incoming), linger })
    }

    pub(super) fn empty() -> Self {
        Self { source: UploadSource::Empty, progress: Progress::new(true) }
    }

    fn of(rest: Rest) -> Self {
        if rest.is_at_end() {
            return Self::empty();
        }
        Self { source: UploadSource::Own(rest), progress: Progress::new(false) }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.source, UploadSource::Empty)
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        self.progress.clone()
    }

    /// Lets the body be sent elsewhere, should nothing of it be read.
    pub(super) fn claim(&mut self) -> Claim {
        self.source = match std::mem::replace(&mut self.source, UploadSource::Empty) {
            UploadSource::Own(rest) => UploadSource::Lent(Rc::new(RefCell::new(Some(rest)))),
            other => other,
        };
        let rest = match &self.source {
            UploadSource::Lent(rest) => Some(rest.clone()),
            UploadSource::Empty | UploadSource::Own(_) => None,
        };
        Claim { rest, progress: self.progress() }
    }
}

/// A claim on a body that is handed on.
pub(super) struct Claim {
    /// `None` of an empty body.
    rest: Option<Rc<RefCell<Option<Rest>>>>,
    progress: Rc<Progress>,
}

impl Claim {
    /// The body, if it can still be sent whole: nothing of it was read.
    pub(super) fn take(self) -> Option<Upload> {
        let Some(rest) = self.rest else {
            return Some(Upload::empty());
        };
        let unread = !self.progress.begun.get();
        rest.borrow_mut().take_if(|_| unread).map(Upload::of)
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Read> {
        let Self { source, progress } = &mut *self;
        match source {
            UploadSource::Empty => Poll::Ready(None),
            UploadSource::Own(rest) => rest.poll(cx, progress),
            UploadSource::Lent(rest) => match &mut *rest.borrow_mut() {
                Some(rest) => rest.poll(cx, progress),
                // It goes elsewhere, and this connection has no future: an end would
                // pass for that of the request.
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            UploadSource::Empty => true,
            UploadSource::Own(rest) => rest.is_at_end(),
            UploadSource::Lent(rest) => rest.borrow().as_ref().is_some_and(Rest::is_at_end),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            UploadSource::Empty => SizeHint::with_exact(0),
            UploadSource::Own(rest) => rest.size_hint(),
            UploadSource::Lent(rest) => {
                rest.borrow().as_ref().map(Rest::size_hint).unwrap_or_default()
            }
        }
    }
}
