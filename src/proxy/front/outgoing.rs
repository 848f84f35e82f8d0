//! Bytes on their way to a client.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// Room that is kept for the next head.
const FRONT_BYTES_KEPT: usize = 4 << 10;

/// What is to be written next: a head or what frames a chunk, content, and the chunk's end.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) front: Vec<u8>,
    front_sent: usize,
    pub(super) data: Bytes,
    pub(super) back: &'static [u8],
    /// The stream may hold what it has taken.
    is_unflushed: bool,
}

impl Outgoing {
    /// Whether all of it is with the kernel.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_unflushed && self.is_written()
    }

    fn is_written(&self) -> bool {
        self.front_sent == self.front.len() && self.data.is_empty() && self.back.is_empty()
    }

    /// Ready once all of it is with the kernel.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        while !self.is_written() {
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
        let front = &self.front[self.front_sent..];
        let stream = Pin::new(stream);
        let sent = if self.data.is_empty() && self.back.is_empty() {
            ready!(stream.poll_write(cx, front))?
        } else {
            let parts = [IoSlice::new(front), IoSlice::new(&self.data), IoSlice::new(self.back)];
            ready!(stream.poll_write_vectored(cx, &parts))?
        };
        if sent == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.is_unflushed = true;
        let of_front = sent.min(front.len());
        let of_data = (sent - of_front).min(self.data.len());
        self.data.advance(of_data);
        self.back = &self.back[sent - of_front - of_data..];
        self.front_sent += of_front;
        if self.front_sent == self.front.len() {
            self.front.clear();
            self.front_sent = 0;
            self.front.shrink_to(FRONT_BYTES_KEPT);
        }
        Poll::Ready(Ok(()))
    }
}
