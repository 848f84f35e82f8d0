//! A user's key as a log may have it.

use std::hash::Hasher;

#[expect(
    deprecated,
    reason = "what replaces it takes no key; SipHash-2-4 itself is not deprecated"
)]
use std::hash::SipHasher;

/// Under what keys are hashed: a secret, so that nobody who has a log finds by trying whose hash it is.
#[derive(Clone, Copy)]
pub struct KeyHashSeed([u64; 2]);

impl KeyHashSeed {
    pub fn new(random: [u8; 16]) -> Self {
        let halves = u128::from_le_bytes(random);
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        Self([halves as u64, (halves >> 64) as u64])
    }

    /// What a log has of the user whose key has this hash: by SipHash-2-4, from which nobody
    /// comes back to it.
    pub(super) fn of(self, user: u64) -> u64 {
        let [first, second] = self.0;
        #[expect(deprecated, reason = "as above")]
        let mut hasher = SipHasher::new_with_keys(first, second);
        hasher.write_u64(user.to_le());
        hasher.finish()
    }
}

impl std::fmt::Debug for KeyHashSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHashSeed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation's vector for the message 00 01 .. 07.
    #[test]
    fn it_is_siphash_2_4() {
        let seed = KeyHashSeed::new(std::array::from_fn(|at| u8::try_from(at).unwrap()));
        let message = u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(seed.of(message), 0x93f5_f579_9a93_2462);
    }
}
