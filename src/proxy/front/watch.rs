//! A client that is left unread, and may leave meanwhile.

use std::task::{Context, Poll, ready};

use crate::proxy::tunnel::{Line, WATCH_EVERY};
use crate::server::Silence;

/// How a peer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    BrokeOff,
    SaidAll,
}

/// Looks at a stream from time to time.
pub(super) struct Watch {
    silence: Silence,
    seen: Option<Leaving>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { silence: Silence::of(WATCH_EVERY), seen: None }
    }

    /// Ready once the peer of `stream` has broken off.
    pub(super) fn poll_broken(&mut self, cx: &mut Context<'_>, stream: &impl Line) -> Poll<()> {
        loop {
            ready!(self.silence.poll(cx));
            self.silence.end();
            if stream.is_broken() {
                return Poll::Ready(());
            }
        }
    }

    /// Ready once the peer of `stream` leaves, and from then on.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, stream: &impl Line) -> Poll<Leaving> {
        loop {
            if let Some(seen) = self.seen {
                return Poll::Ready(seen);
            }
            ready!(self.silence.poll(cx));
            self.silence.end();
            if stream.is_broken() {
                self.seen = Some(Leaving::BrokeOff);
            } else if stream.has_said_all() {
                self.seen = Some(Leaving::SaidAll);
            }
        }
    }
}
