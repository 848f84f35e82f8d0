//! What a decision may draw or count. Made outside and handed in, so that a
//! decision itself stays a function of its arguments.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::Environment;

/// The draws of one process.
pub struct Draws {
    /// Counts keyless requests, for all workers together.
    pub spread: SpreadCounters,
    /// 16 fresh random bytes for a minted key.
    pub mint: Box<dyn Fn() -> [u8; 16] + Send + Sync>,
    /// The seed under which keys are hashed to tell users apart. Whoever knew it could
    /// choose keys by their hash, so it is drawn once and told to nobody.
    pub salt: u64,
}

/// One counter per routine and environment, starting at 0, found by the routine's
/// slot. It outlives every table, so that a swap restarts no count.
///
/// Chunks double in size and are made when first counted in, so counting takes no
/// lock and growing moves nothing.
#[derive(Default)]
pub struct SpreadCounters {
    chunks: [OnceLock<Box<[AtomicU64]>>; CHUNKS],
}

const FIRST_CHUNK_LEN: u64 = 64;
/// Enough chunks for 2^32 slots in two environments.
const CHUNKS: usize = 28;

impl SpreadCounters {
    /// The number of this keyless request, from 0.
    pub(super) fn next(&self, slot: u32, environment: Environment) -> u64 {
        let counter = u64::from(slot) * 2 + environment.index() as u64 + FIRST_CHUNK_LEN;
        // Chunk k holds the counters from 64·2^k up to 64·2^(k+1).
        let chunk = counter.ilog2() - FIRST_CHUNK_LEN.ilog2();
        let len = FIRST_CHUNK_LEN << chunk;
        let counters = self.chunks[chunk as usize]
            .get_or_init(|| (0..len).map(|_| AtomicU64::new(0)).collect());
        let index = usize::try_from(counter - len).expect("a chunk is addressable");
        // Only the count matters, no other memory hangs on it.
        counters[index].fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_routine_and_environment_counts_for_itself_from_zero() {
        let counters = SpreadCounters::default();
        for slot in [0, 1, 31, 32, 33, 1_000, 100_000] {
            for environment in Environment::ALL {
                assert_eq!(counters.next(slot, environment), 0);
            }
        }
        assert_eq!(counters.next(33, Environment::Staging), 1);
        assert_eq!(counters.next(33, Environment::Production), 1);
        assert_eq!(counters.next(33, Environment::Staging), 2);
    }

    #[test]
    fn the_last_slot_has_a_chunk() {
        let counter = u64::from(u32::MAX) * 2 + 1 + FIRST_CHUNK_LEN;
        assert!(((counter.ilog2() - FIRST_CHUNK_LEN.ilog2()) as usize) < CHUNKS);
    }
}
