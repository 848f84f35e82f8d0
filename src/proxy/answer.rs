//! What a client is answered, in no protocol's form yet.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use super::body::Body;
use super::headers::Back;

/// A response on its way to a client.
///
/// Who writes heads of HTTP/1.1 is told [`Back::tell`]; for others there is
/// [`Answer::into_response`].
pub(super) struct Answer {
    pub(super) head: Back,
    pub(super) body: Body,
}

impl Answer {
    /// One of Serin's own.
    pub(super) fn ours(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { head: Back::of_ours(status, headers), body: Body::full(body.into()) }
    }

    /// The same in the types of `http`, for the library that writes HTTP/2: without what is
    /// for a connection of HTTP/1.1, and without a reason phrase.
    pub(super) fn into_response(self) -> Response<Body> {
        let Self { head, body } = self;
        let mut response = Response::new(body);
        *response.status_mut() = head.status();
        *response.headers_mut() = head.to_map();
        response
    }
}
