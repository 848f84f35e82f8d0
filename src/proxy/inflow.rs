//! Bytes from a peer that were read and not taken yet.

use std::io;
use std::ops::{Deref, DerefMut};
use std::task::{Poll, ready};

use bytes::BytesMut;

/// What is read at once to begin with, and at most. It grows while that is not enough.
const READ_BYTES: usize = 4 << 10;
const READ_BYTES_MAX: usize = 128 << 10;
const GROWTH: usize = 4;
/// Room that is worth a system call.
const READ_BYTES_MIN: usize = 1 << 10;

/// Bytes that were read and not taken.
pub(super) struct Inflow {
    bytes: BytesMut,
    /// What is read at once.
    at_once: usize,
    /// The last read left no room, so that there may be more.
    is_full: bool,
}

impl Inflow {
    pub(super) fn of(bytes: BytesMut) -> Self {
        Self { bytes, at_once: READ_BYTES, is_full: false }
    }

    /// Reads once, by `read`, behind what is there: how many bytes, none at the end. So many
    /// are known to come, or more.
    pub(super) fn poll_read(
        &mut self,
        coming: u64,
        read: impl FnOnce(&mut BytesMut) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let room = self.bytes.capacity() - self.bytes.len();
        let coming = usize::try_from(coming).unwrap_or(usize::MAX).min(READ_BYTES_MAX);
        if room < coming.max(READ_BYTES_MIN) {
            // With some to spare: a read that fills it tells nothing of an end.
            self.bytes.reserve(self.at_once.max(coming + READ_BYTES_MIN));
        }
        let read = ready!(read(&mut self.bytes))?;
        self.is_full = self.bytes.len() == self.bytes.capacity();
        if self.is_full && coming == 0 {
            self.at_once = READ_BYTES_MAX.min(self.at_once * GROWTH);
        }
        Poll::Ready(Ok(read))
    }

    /// Whether content of which so many bytes are `coming` is worth another read before it
    /// goes on: what is read in one piece is written in one.
    pub(super) fn is_worth_more(&self, coming: u64) -> bool {
        self.is_full && coming > 0 && self.bytes.len() < READ_BYTES_MAX / 2
    }

    /// Leaves no more room than heads need.
    pub(super) fn shrink(&mut self) {
        if self.at_once > READ_BYTES || self.bytes.capacity() > 2 * READ_BYTES {
            *self = Self::of(BytesMut::from(&self.bytes[..]));
        }
    }
}

impl Deref for Inflow {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.bytes
    }
}

impl DerefMut for Inflow {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a peer that says so many bytes.
    fn read(inflow: &mut Inflow, coming: u64, said: usize) -> usize {
        let taken = inflow.poll_read(coming, |bytes| {
            let taken = said.min(bytes.capacity() - bytes.len());
            bytes.resize(bytes.len() + taken, b'x');
            Poll::Ready(Ok(taken))
        });
        let Poll::Ready(Ok(taken)) = taken else { panic!("{taken:?}") };
        taken
    }

    #[test]
    fn what_is_known_to_come_is_read_in_one_piece() {
        let mut inflow = Inflow::of(BytesMut::new());
        assert_eq!(read(&mut inflow, 0, 100_000), READ_BYTES);
        assert!(inflow.is_worth_more(100_000 - READ_BYTES as u64));
        assert_eq!(read(&mut inflow, 95_904, 95_904), 95_904);
        assert!(!inflow.is_worth_more(0));
    }

    #[test]
    fn more_is_read_of_who_says_more() {
        let mut inflow = Inflow::of(BytesMut::new());
        let mut reads = Vec::new();
        for _ in 0..4 {
            reads.push(read(&mut inflow, 0, usize::MAX));
            drop(inflow.split());
        }
        assert!(reads.is_sorted(), "{reads:?}");
        assert_eq!(reads.last(), Some(&READ_BYTES_MAX));
    }

    #[test]
    fn one_that_was_full_shrinks_and_keeps_what_is_there() {
        let mut inflow = Inflow::of(BytesMut::new());
        read(&mut inflow, 100_000, 100_000);
        drop(inflow.split_to(99_995));
        inflow.shrink();
        assert_eq!(&inflow[..], b"xxxxx");
        assert!(inflow.capacity() < READ_BYTES);
    }
}
