//! Bodies of responses, as HTTP/2 takes them.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};

use super::super::body::Body;
use super::super::passage::{Ending, Passage};
use super::streams::Pace;
use crate::server::Presence;

/// What is given at once, so that a client that takes this much in the time it may stand
/// still does not stand still.
const SLICE_BYTES_MAX: usize = 16 << 10;

/// Takes the body from a response that has none (RFC 9110, sections 9.3.2 and 15). Of one
/// to HEAD, it leaves the length.
pub(super) fn forbid_body(method: &Method, response: &mut Response<Body>) {
    let is_silent = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if response.status() == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    if (method == Method::HEAD || is_silent) && !response.body().is_end_stream() {
        if let Some(length) = response.body().size_hint().exact().filter(|_| !is_silent) {
            let length = HeaderValue::from(length);
            response.headers_mut().entry(CONTENT_LENGTH).or_insert(length);
        }
        response.body_mut().discard();
    }
}

/// A body in slices, which notes when each was given.
pub(super) struct Paced {
    body: Body,
    /// Of the last frame, what was not given yet.
    rest: Bytes,
    pace: Rc<Pace>,
    presence: Rc<Presence>,
    passage: Box<Passage<'static>>,
    /// Of the content, bytes that were given.
    given: u64,
}

impl Paced {
    pub(super) fn new(
        body: Body,
        pace: Rc<Pace>,
        presence: Rc<Presence>,
        passage: Box<Passage<'static>>,
    ) -> Self {
        Self { body, rest: Bytes::new(), pace, presence, passage, given: 0 }
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        // Nobody asks for more behind what ends by itself.
        if self.passage.ending == Ending::OfClient && self.is_end_stream() {
            self.passage.end(self.given);
        } else {
            self.passage.bytes_out = self.given;
        }
    }
}

/// Part of a body that waits until its stream has room for it, perhaps long after the
/// body has ended. Its connection is not idle while some of it goes.
pub(super) struct Slice {
    bytes: Bytes,
    presence: Rc<Presence>,
}

impl Buf for Slice {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.presence.moved();
    }
}

impl http_body::Body for Paced {
    type Data = Slice;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Slice>, Self::Error>>> {
        // Whoever asks for more has taken what was given.
        self.pace.taken();
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    self.passage.break_off(&error);
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(frame) => {
                    let trailers = frame.into_trailers().ok().map(Frame::trailers);
                    return Poll::Ready(trailers.map(Ok));
                }
            }
        }
        let count = self.rest.len().min(SLICE_BYTES_MAX);
        let bytes = self.rest.split_to(count);
        self.pace.given();
        self.given += count as u64;
        let slice = Slice { bytes, presence: self.presence.clone() };
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
