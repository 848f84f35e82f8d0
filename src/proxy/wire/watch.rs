//! A client that is left unread, and may break off meanwhile.

use std::task::{Context, Poll, ready};

use crate::proxy::silence::Silence;
use crate::proxy::tunnel::WATCH_EVERY;

/// A stream that tells without being read whether its peer broke off.
pub(in crate::proxy) trait Watched {
    fn is_broken(&self) -> bool;
}

/// Looks at a stream from time to time.
pub(super) struct Watch(Silence);

impl Watch {
    pub(super) fn new() -> Self {
        Self(Silence::of(WATCH_EVERY))
    }

    /// Ready once the peer of `stream` broke off.
    pub(super) fn poll_broken(&mut self, cx: &mut Context<'_>, stream: &impl Watched) -> Poll<()> {
        loop {
            ready!(self.0.poll(cx));
            if stream.is_broken() {
                return Poll::Ready(());
            }
            self.0.end();
        }
    }
}
