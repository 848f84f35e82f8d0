//! Bodies of responses, as HTTP/2 takes them.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};

use super::super::body::Body;
use super::streams::Pace;

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
}

impl Paced {
    pub(super) fn new(body: Body, pace: Rc<Pace>) -> Self {
        Self { body, rest: Bytes::new(), pace }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        // Whoever asks for more has taken what was given.
        self.pace.taken();
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let count = self.rest.len().min(SLICE_BYTES_MAX);
        let slice = self.rest.split_to(count);
        self.pace.given();
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
