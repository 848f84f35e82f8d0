//! Bodies of responses on their way through: streamed, never held whole.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::pool::Lease;
use super::upgrade::Switched;
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
    /// Another protocol follows, in place of a body.
    Switched(Option<Switched>),
}

impl Body {
    pub(super) fn full(bytes: Bytes) -> Self {
        Self { source: Source::Full(Some(bytes)), busy: None }
    }

    pub(super) fn upstream(incoming: Incoming, lease: Lease) -> Self {
        let source = Source::Upstream { incoming, lease: Some(lease), ended: false };
        Self { source, busy: None }
    }

    /// Leaves nothing to be sent.
    pub(super) fn discard(&mut self) {
        self.source = Source::Full(None);
    }

    pub(super) fn switched(switched: Switched) -> Self {
        Self { source: Source::Switched(Some(switched)), busy: None }
    }

    /// The upstream's side of what follows the response, once.
    pub(super) fn take_switched(&mut self) -> Option<Switched> {
        match &mut self.source {
            Source::Switched(switched) => switched.take(),
            Source::Full(_) | Source::Upstream { .. } => None,
        }
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
            Source::Switched(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Source::Upstream { incoming, .. } => incoming.is_end_stream(),
            Source::Switched(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Source::Upstream { incoming, .. } => incoming.size_hint(),
            Source::Switched(_) => SizeHint::with_exact(0),
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
pub(super) fn is_last(frame: Option<&Result<Frame<Bytes>, hyper::Error>>) -> bool {
    match frame {
        None => true,
        Some(Ok(frame)) => frame.is_trailers(),
        Some(Err(_)) => false,
    }
}
