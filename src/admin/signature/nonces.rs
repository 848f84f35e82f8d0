//! Nonces that were used, for as long as the requests that bear them would be taken.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use sha2::{Digest, Sha256};

/// How many nonces of one key are remembered at most: ESA takes 100 calls a second of
/// an account, which is 90,000 in the 15 minutes that a nonce counts. A full memory of
/// one key is about 8 MiB.
const NONCES_MAX: usize = 100_000;

/// Of a nonce as long as a header may be, this much is kept, whatever the text is.
type Mark = [u8; 16];

/// The used nonces of one key.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    used: HashSet<Mark>,
    /// The same, by the end of their time in nanoseconds.
    by_end: BinaryHeap<Reverse<(i64, Mark)>>,
}

/// Why a nonce is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonceError {
    Used,
    /// There is no room, and to forget one would let its request in once more.
    Full,
}

impl Nonces {
    /// Takes `nonce` once; it counts up to `end_ns`.
    pub(super) fn take(&mut self, nonce: &str, end_ns: i64, now_ns: i64) -> Result<(), NonceError> {
        self.take_of(nonce, end_ns, now_ns, NONCES_MAX)
    }

    fn take_of(
        &mut self,
        nonce: &str,
        end_ns: i64,
        now_ns: i64,
        max: usize,
    ) -> Result<(), NonceError> {
        while let Some(Reverse((end, mark))) = self.by_end.peek().copied()
            && end < now_ns
        {
            self.by_end.pop();
            self.used.remove(&mark);
        }
        let mark = mark(nonce);
        if self.used.contains(&mark) {
            return Err(NonceError::Used);
        }
        if self.used.len() >= max {
            return Err(NonceError::Full);
        }
        self.used.insert(mark);
        self.by_end.push(Reverse((end_ns, mark)));
        Ok(())
    }
}

fn mark(nonce: &str) -> Mark {
    let digest: [u8; 32] = Sha256::digest(nonce).into();
    *digest.first_chunk().expect("a digest of 32 octets begins with 16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_taken_once_while_it_counts() {
        let mut nonces = Nonces::default();
        assert_eq!(nonces.take("a", 10, 0), Ok(()));
        assert_eq!(nonces.take("b", 5, 0), Ok(()));
        assert_eq!(nonces.take("a", 20, 10), Err(NonceError::Used));
        assert_eq!(nonces.take("b", 20, 6), Ok(()));
        assert_eq!(nonces.take("a", 20, 11), Ok(()));
    }

    #[test]
    fn a_full_memory_forgets_nothing_that_counts() {
        let mut nonces = Nonces::default();
        for (nonce, end) in [("a", 10), ("b", 5)] {
            assert_eq!(nonces.take_of(nonce, end, 0, 2), Ok(()));
        }
        assert_eq!(nonces.take_of("c", 20, 5, 2), Err(NonceError::Full));
        assert_eq!(nonces.take_of("a", 20, 5, 2), Err(NonceError::Used));
        assert_eq!(nonces.take_of("c", 20, 6, 2), Ok(()));
        assert_eq!((nonces.used.len(), nonces.by_end.len()), (2, 2));
    }
}
