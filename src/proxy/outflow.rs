//! Bytes on their way to a peer.

use std::io::{self, IoSlice};
use std::task::{Poll, ready};

use bytes::{Buf, Bytes};

/// Room that is kept for the next head.
const FRONT_BYTES_KEPT: usize = 4 << 10;

/// What is to be written next: a head or what frames a chunk, content, and the chunk's end.
#[derive(Default)]
pub(super) struct Outflow {
    pub(super) front: Vec<u8>,
    /// So many of them have left.
    front_sent: usize,
    pub(super) data: Bytes,
    pub(super) back: &'static [u8],
    /// Content was copied behind the head, and has not left.
    is_merged: bool,
}

impl Outflow {
    /// Whether all of it is written.
    pub(super) fn is_empty(&self) -> bool {
        self.front_sent == self.front.len() && self.data.is_empty() && self.back.is_empty()
    }

    /// Whether there is room for content: none waits, or a peer that takes nothing would
    /// have all of it pile up here.
    pub(super) fn has_no_content(&self) -> bool {
        !self.is_merged && self.data.is_empty() && self.back.is_empty()
    }

    /// Makes one part of a head and what follows it, where that is no more than so many bytes.
    pub(super) fn merge(&mut self, bytes_max: usize) {
        let behind = self.data.len() + self.back.len();
        if !self.front.is_empty() && (1..=bytes_max).contains(&behind) {
            self.is_merged = true;
            self.front.extend_from_slice(&self.data);
            self.front.extend_from_slice(self.back);
            (self.data, self.back) = (Bytes::new(), b"");
        }
    }

    /// Writes once, by `write`, which gets one part or several. There must be something.
    pub(super) fn poll_write(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        let front = &self.front[self.front_sent..];
        let parts = [front, &self.data, self.back].map(IoSlice::new);
        let from = parts.iter().take_while(|part| part.is_empty()).count();
        let to = if self.back.is_empty() { 2 - usize::from(self.data.is_empty()) } else { 3 };
        let sent = ready!(write(&parts[from..to]))?;
        if sent == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let of_front = sent.min(front.len());
        let of_data = (sent - of_front).min(self.data.len());
        if of_data == self.data.len() {
            // Let go of: whoever reads takes the same room again.
            self.data = Bytes::new();
        } else {
            self.data.advance(of_data);
        }
        self.back = &self.back[sent - of_front - of_data..];
        self.front_sent += of_front;
        if self.front_sent == self.front.len() {
            self.clear();
        }
        Poll::Ready(Ok(()))
    }

    /// Forgets the head, and leaves no more room for another one than most need.
    pub(super) fn clear(&mut self) {
        self.front.clear();
        self.front_sent = 0;
        self.is_merged = false;
        self.front.shrink_to(FRONT_BYTES_KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_in_pieces_arrives_in_order() {
        for at_once in 1..=13 {
            let mut out = Outflow {
                front: b"5\r\n".to_vec(),
                data: Bytes::from_static(b"hello"),
                back: b"\r\n0\r\n\r\n",
                ..Outflow::default()
            };
            let mut taken = Vec::new();
            while !out.is_empty() {
                let written = out.poll_write(|parts| {
                    assert!(parts.iter().all(|part| !part.is_empty()), "an empty part");
                    let all: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
                    let here = &all[..at_once.min(all.len())];
                    taken.extend_from_slice(here);
                    Poll::Ready(Ok(here.len()))
                });
                assert!(matches!(written, Poll::Ready(Ok(()))));
            }
            assert_eq!(taken, b"5\r\nhello\r\n0\r\n\r\n");
        }
    }

    #[test]
    fn what_was_written_makes_room_for_what_is_read() {
        let mut read = bytes::BytesMut::with_capacity(5);
        read.extend_from_slice(b"hello");
        let mut out = Outflow { data: read.split().freeze(), ..Outflow::default() };
        assert!(!read.try_reclaim(5));
        assert!(out.poll_write(|_| Poll::Ready(Ok(5))).is_ready());
        assert!(read.try_reclaim(5));
    }

    #[test]
    fn what_is_short_becomes_one_part() {
        let data = Bytes::from_static(b"hello");
        let mut out = Outflow { front: b"a ".to_vec(), data, ..Outflow::default() };
        out.merge(4);
        assert_eq!((&out.front[..], &out.data[..]), (&b"a "[..], &b"hello"[..]));
        assert!(!out.has_no_content());
        out.merge(5);
        assert_eq!((&out.front[..], &out.data[..]), (&b"a hello"[..], &b""[..]));
        // It has not left, so there is no room for more.
        assert!(!out.has_no_content());
        assert!(out.poll_write(|_| Poll::Ready(Ok(6))).is_ready());
        assert!(!out.has_no_content());
        assert!(out.poll_write(|_| Poll::Ready(Ok(1))).is_ready());
        assert!(out.has_no_content() && out.is_empty());
    }

    #[test]
    fn who_takes_nothing_is_no_peer() {
        let mut out = Outflow { front: b"a".to_vec(), ..Outflow::default() };
        let written = out.poll_write(|_| Poll::Ready(Ok(0)));
        assert!(
            matches!(written, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::WriteZero)
        );
    }
}
