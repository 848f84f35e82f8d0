//! Bodies of requests on their way through: streamed, never held whole.

use std::cell::RefCell;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::body::is_last;
use super::error::{Cause, ProxyError};
use super::expect::Hold;
use super::front::Content;
use super::linger::Linger;
use super::progress::Progress;
use super::trailers;

/// Why a body does not arrive whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error("the request's body did not arrive")]
    Broken(#[source] Cause),
    #[error("the request's body is larger than {0} bytes")]
    TooLarge(u64),
}

impl From<UploadError> for ProxyError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Broken(error) => Self::Upload(error),
            UploadError::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

/// Where the content of a request comes from.
pub(super) enum Source {
    Empty,
    /// A connection of HTTP/1.1.
    Http1(Content),
    /// A stream of HTTP/2.
    Http2(Incoming),
}

impl Source {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Http1(content) => content.poll_frame(cx),
            Self::Http2(incoming) => {
                let polled = http_body::Body::poll_frame(Pin::new(incoming), cx);
                polled.map_err(Cause::from)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(content) => content.is_end_stream(),
            Self::Http2(incoming) => http_body::Body::is_end_stream(incoming),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Http1(content) => content.size_hint(),
            Self::Http2(incoming) => http_body::Body::size_hint(incoming),
        }
    }
}

type Read = Option<Result<Frame<Bytes>, UploadError>>;

/// The body of a request to an upstream.
pub(super) struct Upload {
    source: UploadSource,
    progress: Rc<Progress>,
    /// Until the client is asked for it.
    hold: Option<Hold>,
}

enum UploadSource {
    Empty,
    Own(Rest),
    /// Somebody may want it back, and has taken it when there is none.
    Lent(SharedRest),
}

type SharedRest = Rc<RefCell<Option<Rest>>>;

/// What is still to be read from the client. Dropped half-read, it is read for the
/// client's sake.
struct Rest {
    incoming: Option<Source>,
    linger: Linger,
    /// The client waits to be asked for it, which reading does.
    unasked: bool,
    /// What was read and given back, before what is still to be read.
    given_back: Bytes,
    limit: Option<NonZeroU64>,
    taken: u64,
}

impl Drop for Rest {
    fn drop(&mut self) {
        // A connection of HTTP/1.1 reads on by itself.
        if let Some(Source::Http2(rest)) = self.incoming.take()
            && !self.unasked
            && !http_body::Body::is_end_stream(&rest)
        {
            self.linger.read(rest);
        }
    }
}

impl Rest {
    fn poll(&mut self, cx: &mut Context<'_>, progress: &Progress) -> Poll<Read> {
        if !self.given_back.is_empty() {
            let data = Frame::data(std::mem::take(&mut self.given_back));
            progress.advance(true, self.is_at_end());
            return Poll::Ready(Some(Ok(data)));
        }
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        self.unasked = false;
        let polled = incoming.poll_frame(cx);
        let is_last = match &polled {
            Poll::Ready(frame) => is_last(frame.as_ref()),
            Poll::Pending => false,
        };
        let Poll::Ready(frame) = polled else {
            progress.wait();
            return Poll::Pending;
        };
        let at_end = incoming.is_end_stream();
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            progress.take(data.len());
        }
        let frame = frame.map(|frame| self.examine(frame));
        let is_whole = matches!(frame, Some(Ok(_))) && at_end;
        match &frame {
            Some(Err(UploadError::TooLarge(limit))) => progress.overflow(*limit),
            Some(Err(UploadError::Broken(_))) => progress.fail(),
            // Who took nothing can do without it.
            _ => progress.advance(frame.as_ref().is_some_and(has_bytes), is_whole || is_last),
        }
        Poll::Ready(frame)
    }

    fn examine(&mut self, frame: Result<Frame<Bytes>, Cause>) -> Result<Frame<Bytes>, UploadError> {
        let frame = frame.map_err(UploadError::Broken)?;
        match frame.into_data() {
            Ok(data) => {
                self.taken += data.len() as u64;
                match self.limit.map(NonZeroU64::get) {
                    Some(limit) if self.taken > limit => Err(UploadError::TooLarge(limit)),
                    _ => Ok(Frame::data(data)),
                }
            }
            Err(frame) => Ok(match frame.into_trailers() {
                Ok(fields) => Frame::trailers(trailers::permit(fields)),
                Err(frame) => frame,
            }),
        }
    }

    fn is_at_end(&self) -> bool {
        self.given_back.is_empty() && self.incoming.as_ref().is_none_or(Source::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.incoming.as_ref().map(Source::size_hint);
        let rest = rest.unwrap_or_else(|| SizeHint::with_exact(0));
        match rest.exact() {
            Some(rest) => SizeHint::with_exact(rest + self.given_back.len() as u64),
            None => rest,
        }
    }
}

fn has_bytes(frame: &Result<Frame<Bytes>, UploadError>) -> bool {
    let data = frame.as_ref().ok().and_then(Frame::data_ref);
    data.is_none_or(|data| !data.is_empty())
}

impl Upload {
    /// `unasked` is whether the client waits to be asked; of more bytes than `limit`
    /// none is passed on.
    pub(super) fn new(
        source: Source,
        linger: Linger,
        unasked: bool,
        limit: Option<NonZeroU64>,
    ) -> Self {
        let given_back = Bytes::new();
        Self::of(Rest { incoming: Some(source), linger, unasked, given_back, limit, taken: 0 })
    }

    pub(super) fn empty() -> Self {
        Self::from(UploadSource::Empty)
    }

    fn of(rest: Rest) -> Self {
        if rest.is_at_end() {
            return Self::empty();
        }
        Self::from(UploadSource::Own(rest))
    }

    /// Takes back what was read of it first, and went nowhere: all of it is here again.
    pub(super) fn give_back(&mut self, read: Bytes) {
        if read.is_empty() {
            return;
        }
        match &mut self.source {
            UploadSource::Empty => return,
            UploadSource::Own(rest) => rest.given_back = read,
            UploadSource::Lent(rest) => match &mut *rest.borrow_mut() {
                Some(rest) => rest.given_back = read,
                None => return,
            },
        }
        self.progress.begin_again();
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.source, UploadSource::Empty)
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        self.progress.clone()
    }

    /// Refuses a body that says itself that it is larger than `limit`.
    pub(super) fn fits(&self, limit: Option<NonZeroU64>) -> Result<(), ProxyError> {
        let size = http_body::Body::size_hint(self).lower();
        match limit.map(NonZeroU64::get) {
            Some(limit) if size > limit => Err(ProxyError::TooLarge(limit)),
            _ => Ok(()),
        }
    }

    /// Lets the body be sent elsewhere, should nothing of it be read.
    pub(super) fn claim(&mut self) -> Claim {
        Claim { rest: self.lend(), progress: self.progress() }
    }

    fn lend(&mut self) -> Option<SharedRest> {
        self.source = match std::mem::replace(&mut self.source, UploadSource::Empty) {
            UploadSource::Own(rest) => UploadSource::Lent(Rc::new(RefCell::new(Some(rest)))),
            other => other,
        };
        match &self.source {
            UploadSource::Lent(rest) => Some(rest.clone()),
            UploadSource::Empty | UploadSource::Own(_) => None,
        }
    }

    /// Whether the client waits to be asked for the body.
    pub(super) fn is_unasked(&self) -> bool {
        match &self.source {
            UploadSource::Empty => false,
            UploadSource::Own(rest) => rest.unasked,
            UploadSource::Lent(rest) => rest.borrow().as_ref().is_some_and(|rest| rest.unasked),
        }
    }

    /// Whether its length is unknown, so that HTTP/1.1 sends it in chunks.
    pub(super) fn is_chunked(&self) -> bool {
        http_body::Body::size_hint(self).exact().is_none()
    }

    /// Holds it back until the upstream asks for it, or says nothing for a while.
    pub(super) fn hold_back(&mut self) -> Option<Unasked> {
        let rest = self.lend()?;
        self.hold = Some(Hold::default());
        self.progress.hold_back(true);
        Some(Unasked(rest))
    }

    /// Holds it back no longer.
    pub(super) fn ask(&mut self) {
        if self.hold.take().is_some() {
            self.progress.hold_back(false);
        }
    }
}

impl From<UploadSource> for Upload {
    fn from(source: UploadSource) -> Self {
        let progress = match source {
            UploadSource::Empty => Progress::of_none(),
            UploadSource::Own(_) | UploadSource::Lent(_) => Progress::new(),
        };
        Self { source, progress, hold: None }
    }
}

/// A body that the client was not asked for when its request was sent.
pub(super) struct Unasked(SharedRest);

impl Unasked {
    /// Lets go of the body if it is still unasked, because its request is answered: the
    /// client may say it or not, so that its connection must end.
    #[must_use]
    pub(super) fn let_go(self) -> bool {
        let rest = self.0.borrow_mut().take_if(|rest| rest.unasked);
        rest.is_some()
    }
}

/// A claim on a body that is handed on.
pub(super) struct Claim {
    /// `None` of an empty body.
    rest: Option<SharedRest>,
    progress: Rc<Progress>,
}

impl Claim {
    /// The body, if it can still be sent whole: nothing of it was read.
    pub(super) fn take(self) -> Option<Upload> {
        let Some(rest) = self.rest else {
            return Some(Upload::empty());
        };
        let unread = !self.progress.begun();
        rest.borrow_mut().take_if(|_| unread).map(Upload::of)
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Read> {
        if let Some(hold) = &mut self.hold {
            ready!(hold.poll(cx));
            self.ask();
        }
        let Self { source, progress, .. } = &mut *self;
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
