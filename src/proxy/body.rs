//! Bodies of responses on their way through: streamed, never held whole.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::error::ProxyError;
use super::stream::Stream;
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
    Upstream(Stream),
    /// Another protocol follows, in place of a body.
    Switched(Option<Switched>),
}

impl Body {
    pub(super) fn full(bytes: Bytes) -> Self {
        Self { source: Source::Full(Some(bytes)), busy: None }
    }

    pub(super) fn upstream(stream: Stream) -> Self {
        Self { source: Source::Upstream(stream), busy: None }
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
    type Error = ProxyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ProxyError>>> {
        match &mut self.source {
            Source::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Upstream(stream) => stream.poll(cx),
            Source::Switched(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Source::Upstream(stream) => stream.is_at_end(),
            Source::Switched(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Source::Upstream(stream) => stream.size_hint(),
            Source::Switched(_) => SizeHint::with_exact(0),
        }
    }
}

/// Whether nothing follows. Trailers are the end of a body (RFC 9112, section
/// 7.1.2), after which nobody asks again.
pub(super) fn is_last<E>(frame: Option<&Result<Frame<Bytes>, E>>) -> bool {
    match frame {
        None => true,
        Some(Ok(frame)) => frame.is_trailers(),
        Some(Err(_)) => false,
    }
}
