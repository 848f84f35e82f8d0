//! A client that says no more.
//!
//! It may have half-closed, and wait for its answer; or be gone. The end of what it says
//! looks the same (RFC 9293, section 3.6), and nothing but what is said to it tells: who
//! is gone refuses that, and the write behind it fails.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::server::Silence;

/// How long nothing need be said to a client that says no more, until it is taken for
/// gone: longer than most answers take, so that who half-closes has one; and no longer
/// than an upstream may well work for nobody.
const HALF_CLOSE_MAX: Duration = Duration::from_secs(1);

pub(super) struct HalfClose {
    /// When it said its end, or anything was last said to it.
    since: Instant,
    silence: Silence,
}

impl HalfClose {
    pub(super) fn new() -> Self {
        let silence = Silence::of(HALF_CLOSE_MAX);
        Self { since: Instant::now(), silence }
    }

    /// Something was said to the client.
    pub(super) fn told(&mut self) {
        self.since = Instant::now();
    }

    /// Ready once the client is taken for gone. There is no silence while it `is_full` of
    /// what is said to it.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>, is_full: bool) -> Poll<()> {
        if is_full {
            return Poll::Pending;
        }
        self.silence.poll_since(cx, self.since).map(drop)
    }
}
