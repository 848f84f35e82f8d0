//! Content that nobody takes, read for nothing but the client's sake.
//!
//! Many clients send all of it before they look for the response. Closing on them resets
//! the connection, and the response is lost (RFC 9112, section 9.6).

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::server::{Alarm, Silence};

/// How long it is read.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// A client that is silent for this long has seen its answer, or never will.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// The time that is left for it.
pub(super) struct Drain {
    end: Instant,
    alarm: Alarm,
    silence: Silence,
}

impl Drain {
    pub(super) fn new() -> Self {
        let end = Instant::now() + DRAIN_MAX;
        Self { end, alarm: Alarm::default(), silence: Silence::of(SILENCE_MAX) }
    }

    /// Something came; whether the time is over. Who sends without a pause is never waited
    /// for.
    pub(super) fn moved(&mut self) -> bool {
        self.silence.end();
        Instant::now() >= self.end
    }

    /// Nothing comes now; ready once the time is over.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.silence.poll(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.alarm.poll(cx, self.end),
        }
    }
}
