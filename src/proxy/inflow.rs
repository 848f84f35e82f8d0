//! Bytes from a peer that were read and not taken yet.

use std::io;
use std::ops::{Deref, DerefMut};
use std::task::{Poll, ready};

use bytes::BytesMut;

/// What is read at once to begin with, and at most but for what lies ready. It grows while
/// that is not enough.
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
    /// The most room that there was, of which `bytes` shows what was not taken.
    allocated: usize,
    /// The last read left no room, so that there may be more.
    is_full: bool,
}

impl Inflow {
    pub(super) fn of(bytes: BytesMut) -> Self {
        Self { allocated: bytes.capacity(), bytes, at_once: READ_BYTES, is_full: false }
    }

    /// Reads once, by `read`, behind what is there: how many bytes, none at the end. So many
    /// are said to be `coming`, or more.
    pub(super) fn poll_read(
        &mut self,
        coming: u64,
        read: impl FnOnce(&mut BytesMut) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        // Room is made for who fills what there was, and not for who says that much will come.
        let was_full = std::mem::take(&mut self.is_full);
        self.make_room(if was_full { coming } else { 0 }, coming > 0);
        let read = ready!(read(&mut self.bytes))?;
        self.is_full = self.bytes.len() == self.bytes.capacity();
        if self.is_full && coming == 0 {
            self.at_once = READ_BYTES_MAX.min(self.at_once * GROWTH);
        }
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self, coming: u64, is_content: bool) {
        let is_roomy = self.allocated >= READ_BYTES;
        if is_content && is_roomy && self.bytes.is_empty() && self.bytes.try_reclaim(self.allocated)
        {
            return;
        }
        let coming = usize::try_from(coming).unwrap_or(usize::MAX).min(READ_BYTES_MAX);
        let room = self.bytes.capacity() - self.bytes.len();
        if room < coming.clamp(READ_BYTES_MIN, READ_BYTES_MAX / 2) {
            // With some to spare: a read that fills it tells nothing of an end.
            self.bytes.reserve(self.at_once.max((coming + READ_BYTES_MIN).min(READ_BYTES_MAX)));
            self.allocated = self.allocated.max(self.bytes.capacity());
        }
    }

    /// Whether content of which so many bytes are `coming` is worth another read before it
    /// goes on: what is read in one piece is written in one.
    pub(super) fn is_worth_more(&self, coming: u64) -> bool {
        self.is_full && coming > 0 && self.bytes.len() < READ_BYTES_MAX / 2
    }

    /// Reads no more at once than in the beginning.
    pub(super) fn slow_down(&mut self) {
        self.at_once = READ_BYTES;
    }

    /// Leaves no more room than heads need.
    pub(super) fn shrink(&mut self) {
        if self.allocated - self.bytes.len().min(self.allocated) > 2 * READ_BYTES {
            *self = Self::of(BytesMut::from(&self.bytes[..]));
        }
        self.slow_down();
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
    fn nothing_is_given_to_who_says_that_much_will_come() {
        let mut inflow = Inflow::of(BytesMut::new());
        assert_eq!(read(&mut inflow, 1 << 30, 100), 100);
        assert!(inflow.capacity() <= READ_BYTES);
    }

    #[test]
    fn one_that_had_room_shrinks_and_keeps_what_is_there() {
        let mut inflow = Inflow::of(BytesMut::new());
        // All but the first bytes were taken, so little of the room is seen.
        assert_eq!(read(&mut inflow, 100_000, usize::MAX), READ_BYTES);
        read(&mut inflow, 95_904, 95_904);
        drop(inflow.split_to(99_995));
        assert!(inflow.capacity() < 2 * READ_BYTES);
        inflow.shrink();
        assert_eq!(&inflow[..], b"xxxxx");
        assert!(!inflow.bytes.try_reclaim(50_000), "the room is kept");
    }

    #[test]
    fn what_is_pipelined_is_not_copied_again_and_again() {
        let mut inflow = Inflow::of(BytesMut::new());
        read(&mut inflow, 0, usize::MAX);
        read(&mut inflow, 0, usize::MAX);
        inflow.shrink();
        let place = inflow.as_ptr();
        inflow.shrink();
        assert_eq!(inflow.as_ptr(), place);
    }
}
