//! `Expect: 100-continue`: a client is asked for its body when the upstream wants it.
//!
//! A client is asked when its body is first read. So the head goes first, and what holds the
//! body back is here.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::EXPECT;
use http::request::Parts;
use http::{HeaderMap, Version};
use tokio::time::Sleep;

/// An upstream that says nothing for this long does not know of expectations, and waits
/// for the body (RFC 9110, section 10.1.1). Half as long as curl waits, which would send
/// the body by itself otherwise.
pub(super) const WAIT_MAX: Duration = Duration::from_millis(500);

/// Whether a client sends its body only when it is asked to. HTTP/1.0 knows no way to ask.
///
/// Other expectations are passed on, since the upstream may know them; to refuse them is
/// allowed, and would break what works elsewhere.
pub(super) fn is_expected(request: &Parts) -> bool {
    request.version >= Version::HTTP_11 && asks_to_continue(&request.headers)
}

fn asks_to_continue(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(EXPECT).iter();
    lines.any(|line| line.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Holds a body back until the upstream asks for it.
#[derive(Default)]
pub(super) struct Hold {
    /// From when the head is sent.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Hold {
    /// Ready once the upstream has had its time to ask.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(WAIT_MAX)));
        timer.as_mut().poll(cx)
    }
}
