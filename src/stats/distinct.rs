//! Distinct keys in bounded memory.

use hashbrown::HashTable;

/// A sample of distinct keys, each with the version that it got.
///
/// A key is sampled if its hash, mixed, is not above a limit. When the sample is full the
/// limit is halved, and the keys above it are forgotten. What was counted of them stays
/// counted, since a key above the limit is never sampled again: so each key is seen for
/// the first time at most once, and whether it is sampled says nothing about its version.
/// (Wegman's adaptive sampling: Flajolet, "On adaptive sampling", Computing 43, 1990.)
#[derive(Debug, Clone)]
pub struct DistinctKeys<V> {
    /// By their mixed hash, which stands for the key: of a million sampled keys two are
    /// one with a probability of one in ten million.
    kept: HashTable<(u64, V)>,
    limit: u64,
    keys_max: usize,
}

/// What a sample makes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting<V> {
    /// It is not sampled.
    Passed,
    First,
    /// It was sampled before, and has its version still.
    Again,
    /// It was sampled before, and had this version.
    Changed(V),
}

impl<V: Copy + PartialEq> DistinctKeys<V> {
    /// A sample of at most `keys_max` keys; none is refused, so it is at least one.
    pub fn new(keys_max: usize) -> Self {
        Self { kept: HashTable::new(), limit: u64::MAX, keys_max: keys_max.max(1) }
    }

    /// Takes up that the key of this `hash` got `version`. Any hash will do that is uniform
    /// over all of `u64`; the position that decided the version is one, because mixing
    /// leaves nothing of its order.
    #[inline]
    pub fn see(&mut self, hash: u64, version: V) -> Sighting<V> {
        let mixed = mix(hash);
        if mixed > self.limit { Sighting::Passed } else { self.sampled(mixed, version) }
    }

    fn sampled(&mut self, mixed: u64, version: V) -> Sighting<V> {
        if let Some((_, known)) = self.kept.find_mut(slot(mixed), |(key, _)| *key == mixed) {
            let before = std::mem::replace(known, version);
            return if before == version { Sighting::Again } else { Sighting::Changed(before) };
        }
        self.make_room();
        // The key itself may be above the limit now. It was not when it came, and will
        // not be sampled again, so it counts.
        if mixed <= self.limit {
            self.kept.insert_unique(slot(mixed), (mixed, version), |(key, _)| slot(*key));
        }
        Sighting::First
    }

    fn make_room(&mut self) {
        while self.kept.len() >= self.keys_max {
            self.limit /= 2;
            let limit = self.limit;
            self.kept.retain(|(key, _)| *key <= limit);
        }
    }

    /// Forgets every key, and samples all of them again.
    pub fn restart(&mut self) {
        self.kept.clear();
        self.limit = u64::MAX;
    }

    /// The share of keys that are sampled now, 0 to 1.
    pub fn sampled_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
        let share = self.limit as f64 / u64::MAX as f64;
        share
    }

    /// How many keys are held now.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

/// The finalizer of splitmix64 (Stafford's variant 13; Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014): a bijection, so no two keys
/// become one here.
const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// Where a key lies in the table, which tells keys apart by the top bits: under a low
/// limit those of the hash are all zero.
const fn slot(mixed: u64) -> u64 {
    mixed.rotate_left(32)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use xxhash_rust::xxh3::xxh3_64_with_seed;

    use super::*;

    fn hash(key: u64) -> u64 {
        xxh3_64_with_seed(&key.to_le_bytes(), 7)
    }

    #[test]
    fn a_key_is_seen_first_once_and_then_again() {
        let mut keys = DistinctKeys::new(100);
        assert_eq!(keys.see(1, 'a'), Sighting::First);
        assert_eq!(keys.see(1, 'a'), Sighting::Again);
        assert_eq!(keys.see(1, 'b'), Sighting::Changed('a'));
        assert_eq!(keys.see(1, 'b'), Sighting::Again);
        assert_eq!(keys.len(), 1);
        keys.restart();
        assert_eq!(keys.see(1, 'b'), Sighting::First);
    }

    /// Whatever is forgotten between: no key counts twice, and the sample stays in its
    /// bound.
    #[test]
    fn no_key_counts_twice_however_full_the_sample_was() {
        let mut keys = DistinctKeys::new(1_000);
        let mut counted = HashSet::new();
        for round in 0..4 {
            for key in 0..50_000 {
                // Half come again at once, all in the next round.
                for again in 0..=(key % 2) {
                    let seen = keys.see(hash(key), ());
                    if seen == Sighting::First {
                        assert!(counted.insert(key), "{key} in round {round}, time {again}");
                    }
                    assert!(keys.len() <= 1_000);
                }
            }
        }
        assert!(counted.len() >= 1_000);
        // 50,000 keys at 1/64 are 781; at 1/32 they would not fit.
        assert!((keys.sampled_share() - 1.0 / 64.0).abs() < 1e-12, "{}", keys.sampled_share());
    }

    /// A thirtieth of two million keys is held; of it as many are below any threshold as
    /// of all, though the hash that is mixed is the very position that decides.
    #[test]
    fn a_sample_by_position_is_independent_of_the_split() {
        let mut keys = DistinctKeys::new(100_000);
        for key in 0..2_000_000 {
            keys.see(hash(key), ());
        }
        let held: Vec<u64> = {
            let sampled = (0..2_000_000).map(hash).filter(|hash| mix(*hash) <= keys.limit);
            sampled.collect()
        };
        assert_eq!(held.len(), keys.len());
        #[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
        for percent in 1..100_u64 {
            let threshold = u64::MAX / 100 * percent;
            let below = held.iter().filter(|&&position| position < threshold).count() as f64;
            let (all, share) = (held.len() as f64, percent as f64 / 100.0);
            let z = (below - all * share) / (all * share * (1.0 - share)).sqrt();
            assert!(z.abs() < 4.0, "{percent} %: {z}");
        }
    }

    #[test]
    fn a_sample_of_none_still_counts_each_key_once() {
        let mut keys = DistinctKeys::new(0);
        let firsts = (0..1_000).filter(|key| keys.see(hash(*key), ()) == Sighting::First).count();
        assert!((1..30).contains(&firsts), "{firsts}");
        assert!(keys.len() <= 1);
    }
}
