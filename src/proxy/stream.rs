//! The body of an upstream's response, as it comes.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::is_last;
use super::error::{Cause, ProxyError};
use super::http1::Connection;
use super::linger::Linger;
use super::pool::Lease;
use super::progress::Progress;
use super::trailers;
use crate::model::Timeouts;
use crate::server::Silence;

/// Where the content of a response comes from.
pub(super) enum Content {
    /// The leased connection.
    Http1,
    /// A stream of it.
    Http2(Incoming),
}

/// The body of an upstream's response.
pub(super) struct Stream {
    content: Content,
    /// The connection it comes over, pooled again when the body was read whole.
    lease: Option<Lease>,
    ended: bool,
    /// How it broke off, before that is told.
    failed: Option<ProxyError>,
    /// Of the upstream, while the client takes what comes.
    silence: Silence,
    unfinished: Option<Box<Unfinished>>,
}

/// A request that was answered before its body was through.
struct Unfinished {
    upload: Rc<Progress>,
    silence: Silence,
    max: Duration,
    linger: Linger,
}

impl Stream {
    pub(super) fn new(
        content: Content,
        lease: Lease,
        linger: &Linger,
        timeouts: &Timeouts,
    ) -> Self {
        let max = timeouts.request_body_idle;
        let unfinished = (!lease.is_through()).then(|| {
            let upload = lease.upload.clone();
            Box::new(Unfinished { upload, silence: Silence::of(max), max, linger: linger.clone() })
        });
        Self {
            content,
            lease: Some(lease),
            ended: false,
            failed: None,
            silence: Silence::of(timeouts.response_body_idle),
            unfinished,
        }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ProxyError>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let Poll::Ready(frame) = self.poll_content(cx) else {
            let error = ready!(self.poll_silence(cx));
            return Poll::Ready(Some(Err(self.fail(error))));
        };
        self.silence.end();
        self.ended |= is_last(frame.as_ref());
        match frame.transpose() {
            Ok(frame) => Poll::Ready(frame.map(|frame| {
                Ok(match frame.into_trailers() {
                    Ok(fields) => Frame::trailers(trailers::permit(fields)),
                    Err(data) => data,
                })
            })),
            Err(error) => {
                let by_client = self.unfinished.as_ref().is_some_and(|it| it.upload.failed());
                let error = if by_client {
                    ProxyError::Upload(error)
                } else {
                    ProxyError::Incomplete(error)
                };
                // In HTTP/2 a failure takes along what was not written yet: the head itself, if
                // all came at once. So what there is has its turn to leave.
                self.failed = Some(self.fail(error));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cause>>> {
        match &mut self.content {
            Content::Http1 => match self.lease.as_mut().and_then(Lease::http1_mut) {
                Some(connection) => connection.poll_frame(cx).map_err(Cause::from),
                None => Poll::Ready(None),
            },
            Content::Http2(incoming) => Pin::new(incoming).poll_frame(cx).map_err(Cause::from),
        }
    }

    /// Whether it may be dropped without asking again.
    fn has_ended(&self) -> bool {
        match &self.content {
            Content::Http1 => {
                let connection = self.lease.as_ref().and_then(Lease::http1);
                connection.map_or(self.ended, Connection::is_at_end)
            }
            Content::Http2(incoming) => incoming.is_end_stream(),
        }
    }

    /// Whose silence has lasted too long. The upstream's counts when it is not the client
    /// who keeps it waiting.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<ProxyError> {
        if let Some(Unfinished { upload, silence, .. }) = self.unfinished.as_deref_mut()
            && !upload.ended()
        {
            let since = if upload.awaited() { upload.since() } else { Instant::now() };
            if let Poll::Ready(max) = silence.poll_since(cx, since) {
                return Poll::Ready(ProxyError::UploadTimeout(max));
            }
        }
        self.silence.poll(cx).map(ProxyError::BodyTimeout)
    }

    fn fail(&mut self, error: ProxyError) -> ProxyError {
        // Dropped, it closes the connection.
        self.lease = None;
        error
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.has_ended()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Http1 => {
                let connection = self.lease.as_ref().and_then(Lease::http1);
                connection.map_or_else(|| SizeHint::with_exact(0), Connection::size_hint)
            }
            Content::Http2(incoming) => incoming.size_hint(),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let is_whole = self.ended || self.has_ended();
        let Some(lease) = self.lease.take() else { return };
        match self.unfinished.as_deref() {
            _ if !is_whole => drop(lease),
            Some(Unfinished { linger, max, .. }) if !lease.is_through() => {
                linger.outlast(lease, *max);
            }
            _ => lease.release(),
        }
    }
}
