//! Bytes on their way to a client.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use crate::proxy::outflow::Outflow;

/// Content that is copied behind its head: to write two parts costs the kernel more.
const COPIED_BYTES_MAX: usize = 1 << 10;

/// What is to be written next, and whether the stream has passed it on.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) next: Outflow,
    /// The stream may hold what it has taken.
    is_unflushed: bool,
}

impl Outgoing {
    /// Whether all of it is with the kernel.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_unflushed && self.next.is_empty()
    }

    /// Ready once all of it is with the kernel.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        self.next.merge(COPIED_BYTES_MAX);
        while !self.next.is_empty() {
            ready!(self.poll_write(cx, stream))?;
        }
        if self.is_unflushed {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        let stream = Pin::new(stream);
        ready!(self.next.poll_write(|parts| match parts {
            [part] => stream.poll_write(cx, part),
            parts => stream.poll_write_vectored(cx, parts),
        }))?;
        self.is_unflushed = true;
        Poll::Ready(Ok(()))
    }
}
